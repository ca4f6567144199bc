import type { RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";

/** The reason of a refusal by its name in the contract, without prefix: SOLD_OUT. */
export type ReasonName = Exclude<keyof typeof RefusalReason, "UNSPECIFIED">;

/**
 * What a refusal means for the caller of the same request.
 * - `final`: asking again gives the same answer, or only an operator can change it.
 * - `early`: the campaign has not opened; `retry_after_ms` says when to come back.
 * - `unready`: the campaign's codes are still being made.
 * - `untried`: the service took nothing from the request; asking again is safe and may succeed.
 * - `uncertain`: it may or may not have happened; only asking again with the same key tells.
 */
export type Standing = "final" | "early" | "unready" | "untried" | "uncertain";

const STANDINGS: Readonly<Record<ReasonName, Standing>> = {
  NOT_STARTED: "early",
  ENDED: "final",
  CANCELLED: "final",
  PAUSED: "final",
  NOT_READY: "unready",
  SOLD_OUT: "final",
  UNKNOWN_CAMPAIGN: "final",
  NO_COUPON: "final",
  INVALID: "final",
  OVERLOADED: "untried",
  UNCERTAIN: "uncertain",
  CONFLICT: "final",
  NOT_ALLOWED: "final",
  UNAUTHENTICATED: "final",
  PERMISSION_DENIED: "final",
  RATE_LIMITED: "untried",
  DEADLINE_EXCEEDED: "untried",
  UNKNOWN_SINK: "final",
  SINK_EXISTS: "final",
  TOO_MANY_SINKS: "final",
  NOT_VALID_YET: "final",
  VALIDITY_OVER: "final",
  VOIDED: "final",
  RESERVED: "final",
  REDEEMED: "final",
  NO_RESERVATION: "final",
  RESERVATION_OVER: "final",
  MAX_PER_USER: "final",
};

/** Undefined: a reason of a newer contract, of which only the RPC code is known. */
export function standingOf(reason: string): Standing | undefined {
  return Object.hasOwn(STANDINGS, reason) ? STANDINGS[reason as ReasonName] : undefined;
}

/** True: the service could not take the request at that moment, whatever the campaign's state. */
export function isPassing(standing: Standing | undefined): boolean {
  return standing === "untried" || standing === "uncertain";
}

/** True: a claim is asked again with the same key without the caller being told. */
export function isAskedAgain(standing: Standing | undefined): boolean {
  return isPassing(standing) || standing === "unready";
}

/** Exponential back-off with jitter. */
export type BackOff = {
  /** The back-off after the first failure; it doubles with each. */
  readonly firstMs: number;
  readonly mostMs: number;
  /** The wait is between these shares of the back-off: 0 and 1 are full jitter. */
  readonly jitterFrom: number;
  readonly jitterTo: number;
  /** Of the service's `retry_after_ms` at most so much counts. */
  readonly askedMostMs: number;
};

/** Callers that failed together do not come back together. */
export const FULL_JITTER = { jitterFrom: 0, jitterTo: 1, askedMostMs: Number.POSITIVE_INFINITY } as const;

export const CLAIM_BACK_OFF: BackOff = {
  ...{ firstMs: 200, mostMs: 5_000 },
  ...FULL_JITTER,
  // A claim that is told to come back tomorrow would miss the coupons that are added meanwhile.
  askedMostMs: 5 * 60_000,
};

const DOUBLINGS_MAX = 30;

/**
 * How long to wait after `failures` failed tries in a row: what the service asked for, and the back-off's own
 * part on top, so that callers who were told the same wait are spread. `random` is from 0 to 1.
 */
export function retryDelayMs(backOff: BackOff, failures: number, askedMs: number, random: number): number {
  const { firstMs, mostMs, jitterFrom, jitterTo, askedMostMs } = backOff;
  const backOffMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  return Math.min(askedMs, askedMostMs) + backOffMs * (jitterFrom + (jitterTo - jitterFrom) * random);
}
