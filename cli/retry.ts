import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { refusalOf } from "./failure.ts";
import { foreignAnswer } from "./foreign-answer.ts";
import { unreachableBecause } from "./reach.ts";
import { type KnownReason, knownReason } from "./rpc-exit-code.ts";
import { userErrorIn } from "./user-error.ts";

/** The tries after the first, where the operator gives no number. */
export const defaultCallRetries = 5;
const firstDelayMs = 250;
const maxDelayMs = 5_000;
const maxAskedDelayMs = 30_000;

const transientCodes: readonly Code[] = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted];
const transientReasons: readonly KnownReason[] = [
  RefusalReason.OVERLOADED,
  RefusalReason.UNCERTAIN,
  RefusalReason.RATE_LIMITED,
  RefusalReason.DEADLINE_EXCEEDED,
];
// A broken stream has more errors than a broken call: an end without its end message, or half a message.
const brokenEnds = ["missing EndStreamResponse", "invalid end stream"];
// These codes mean a broken stream if an error of the connection is their cause. An error of the service has
// no cause.
const brokenStreamCodes: readonly Code[] = [Code.DataLoss, Code.Unknown, Code.Internal];

/** True: a retry may help, and is safe because every call of this CLI has its key. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const reason = knownReason(refusalOf(error)?.reason ?? RefusalReason.UNSPECIFIED);
  if (reason !== undefined && reason !== RefusalReason.UNSPECIFIED) return transientReasons.includes(reason);
  return unreachableBecause(error)?.passes ?? transientCodes.includes(error.code);
}

/** True: the stream broke, and the service did not refuse it. */
export function isBrokenStream(error: unknown): boolean {
  if (userErrorIn(error) !== undefined) return false;
  if (isTransient(error)) return true;
  if (!(error instanceof ConnectError) || refusalOf(error) !== undefined) return false;
  if (unreachableBecause(error) !== undefined || foreignAnswer(error, "") !== undefined) return false;
  if (error.code === Code.Canceled || brokenEnds.some((words) => error.rawMessage.includes(words)))
    return true;
  return error.cause !== undefined && brokenStreamCodes.includes(error.code);
}

/**
 * How long to wait before try number `failures` + 1. `random` is from 0 to 1; `askedMs` is the service's
 * retry_after, of which at most 30 s count.
 */
export function delayBeforeRetryMs(
  failures: number,
  askedMs: number,
  random: number,
  mostMs: number = maxDelayMs,
): number {
  const backoffMs = Math.min(mostMs, firstDelayMs * 2 ** (failures - 1));
  const jitteredMs = Math.round(backoffMs * (0.75 + random / 2));
  return Math.max(jitteredMs, Math.min(askedMs, maxAskedDelayMs));
}

/**
 * The service's message about a damaged document in its store; undefined: it is another error.
 */
export function damageIn(error: unknown): string | undefined {
  const isSaid = error instanceof ConnectError && error.code === Code.DataLoss && error.cause === undefined;
  return isSaid ? error.rawMessage : undefined;
}

export interface RetryPlan {
  /** How many tries after the first. */
  readonly retries: number;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** The words for the retry, shown to the operator: "trying again with the same request id". */
  readonly again: string;
  /** The longest wait that this command chooses; undefined: 5 s. */
  readonly maxDelayMs?: number | undefined;
}

/** Prints a note, waits, and returns; throws where the tries are used up or the operator interrupts. */
export async function waitForRetry(error: unknown, failures: number, plan: RetryPlan): Promise<void> {
  if (failures > plan.retries) throw error;
  const askedMs = Number(refusalOf(error)?.retryAfterMs ?? 0n);
  const waitMs = delayBeforeRetryMs(failures, askedMs, Math.random(), plan.maxDelayMs);
  const seconds = (waitMs / 1000).toFixed(1);
  plan.note(`${shortCause(error)}, ${plan.again} in ${seconds} s (${failures} of ${plan.retries})`);
  await delay(waitMs, undefined, { signal: plan.signal });
}

function shortCause(error: unknown): string {
  if (!(error instanceof ConnectError)) return "unavailable";
  const unreachable = unreachableBecause(error);
  if (unreachable !== undefined) return unreachable.words("the URL").message;
  if (error.code === Code.DeadlineExceeded) return "no answer in time";
  return refusalOf(error)?.reason === RefusalReason.UNCERTAIN
    ? "uncertain whether it happened"
    : "unavailable";
}
