import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { refusalOf } from "./failure.ts";
import { foreignAnswer } from "./foreign-answer.ts";
import { unreachableBecause } from "./reach.ts";
import { type KnownReason, knownReason } from "./rpc-exit-code.ts";

/** After the first try, where the operator does not say how many. */
export const defaultCallRetries = 5;
const firstDelayMs = 250;
const maxDelayMs = 5_000;
const maxAskedDelayMs = 30_000;

const transientCodes: readonly Code[] = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted];
const transientReasons: readonly KnownReason[] = [RefusalReason.OVERLOADED, RefusalReason.UNCERTAIN];
// A stream that breaks shows itself in more ways than a call: an end without its end message, or half a
// message.
const brokenEnds = ["missing EndStreamResponse", "invalid end stream"];
// Where they come from an error of the connection, which is then their cause. What the service itself said
// has none.
const brokenStreamCodes: readonly Code[] = [Code.DataLoss, Code.Unknown, Code.Internal];

/** True: trying again may help, and is safe because every call of this CLI carries its key. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const reason = knownReason(refusalOf(error)?.reason ?? RefusalReason.UNSPECIFIED);
  if (reason !== undefined && reason !== RefusalReason.UNSPECIFIED) return transientReasons.includes(reason);
  return unreachableBecause(error)?.passes ?? transientCodes.includes(error.code);
}

/** True: the stream broke, as opposed to the service having refused it. */
export function isBrokenStream(error: unknown): boolean {
  if (isTransient(error)) return true;
  if (!(error instanceof ConnectError) || refusalOf(error) !== undefined) return false;
  if (unreachableBecause(error) !== undefined || foreignAnswer(error, "") !== undefined) return false;
  if (error.code === Code.Canceled || brokenEnds.some((words) => error.rawMessage.includes(words)))
    return true;
  return error.cause !== undefined && brokenStreamCodes.includes(error.code);
}

/**
 * How long to wait before try number `failures` + 1. `random` is from 0 to 1; the service's own wish is
 * respected.
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
 * In words, where the service says that a document of its store is not what it has to be; undefined: this
 * error says something else.
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
  /** What is tried again, for the operator: "with the same request id". */
  readonly again: string;
  /** The longest wait by itself; undefined: 5 s. */
  readonly maxDelayMs?: number | undefined;
}

/** Says so, waits, and returns; throws the error where the tries are used up or the operator interrupts. */
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
