import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { type BackOff, isPassing, retryDelayMs, standingOf } from "../client/policy.ts";
import { enumName } from "../proto/enum-name.ts";
import { RefusalReason, RefusalReasonSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { refusalOf } from "./failure.ts";
import { foreignAnswer } from "./foreign-answer.ts";
import { unreachableBecause } from "./reach.ts";
import { userErrorIn } from "./user-error.ts";

/** The tries after the first, where the operator gives no number. */
export const defaultCallRetries = 5;
/** Not full jitter: an operator is one, reads the wait, and wants it to be worth its name. */
export const operatorBackOff: BackOff = {
  ...{ firstMs: 250, mostMs: 5_000, jitterFrom: 0.75, jitterTo: 1.25 },
  askedMostMs: 30_000,
};

const transientCodes: readonly Code[] = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted];
// A broken stream has more errors than a broken call: an end without its end message, or half a message.
const brokenEnds = ["missing EndStreamResponse", "invalid end stream"];
// These codes mean a broken stream if an error of the connection is their cause. An error of the service has
// no cause.
const brokenStreamCodes: readonly Code[] = [Code.DataLoss, Code.Unknown, Code.Internal];

/** True: a retry may help, and is safe because every call of this CLI has its key. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const reason = refusalOf(error)?.reason ?? RefusalReason.UNSPECIFIED;
  const standing = standingOf(enumName(RefusalReasonSchema, reason));
  if (standing !== undefined) return isPassing(standing);
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
 * retry_after, of which at most 30 s count, before the command's own part.
 */
export function delayBeforeRetryMs(
  failures: number,
  askedMs: number,
  random: number,
  mostMs: number = operatorBackOff.mostMs,
): number {
  return Math.round(retryDelayMs({ ...operatorBackOff, mostMs }, failures, askedMs, random));
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
  const waitMs = delayBeforeRetryMs(failures, askedMs(error), Math.random(), plan.maxDelayMs);
  await noteAndWait(error, failures, waitMs, plan);
}

/** The service's retry_after of a refusal; 0: it names none. */
export function askedMs(error: unknown): number {
  return Number(refusalOf(error)?.retryAfterMs ?? 0n);
}

export async function noteAndWait(
  error: unknown,
  failures: number,
  waitMs: number,
  plan: RetryPlan,
): Promise<void> {
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
