import type { Phase } from "./life-cycle.ts";

/**
 * Every answer other than the result that was asked for: a closed set of values. An exception means a
 * failure, never a refusal.
 */
export type Refusal =
  /** `waitMs`: when to come back: to the start, and this caller's part of the spread. */
  | { readonly reason: "NOT_STARTED"; readonly startsAtMs: number; readonly waitMs: number }
  | { readonly reason: "ENDED" | "CANCELLED" | "SOLD_OUT" | "UNKNOWN_CAMPAIGN" | "NO_COUPON" }
  /** `most`: how many coupons the campaign gives each user; this one has them. */
  | { readonly reason: "MAX_PER_USER"; readonly most: number }
  /** `partMs`: this caller's part of the spread; absent: none. */
  | { readonly reason: "PAUSED"; readonly partMs?: number }
  /** `name`: of the sink. */
  | { readonly reason: "UNKNOWN_SINK" | "SINK_EXISTS"; readonly name: string }
  /** `most`: how many sinks there may be. */
  | { readonly reason: "TOO_MANY_SINKS"; readonly most: number }
  | { readonly reason: "INVALID"; readonly field: string; readonly allowed: string }
  /** `what`: what the request_id was used for, and how that differs. */
  | { readonly reason: "CONFLICT"; readonly what: string }
  /**
   * A change that the campaign's phase does not allow. `allowed`: the changes that it allows. `why`: the
   * reason, where the phase alone does not explain it.
   */
  | {
      readonly reason: "NOT_ALLOWED";
      readonly verb: string;
      readonly phase: Phase;
      readonly allowed: readonly string[];
      readonly why?: string;
    }
  /** `adding`: how many coupons are being added; only one addition runs at a time. `partMs`: as above. */
  | { readonly reason: "NOT_READY"; readonly adding?: number; readonly partMs?: number }
  /** `why`: the reason, where it is not that this server has too many waiting requests. */
  | { readonly reason: "OVERLOADED"; readonly why?: string; readonly retryAfterMs?: number }
  | { readonly reason: "UNCERTAIN" }
  /** The coupon cannot be redeemed now. `retryAfterMs`: until the other key's reservation has timed out. */
  | { readonly reason: "NOT_VALID_YET"; readonly fromMs: number }
  | { readonly reason: "VALIDITY_OVER"; readonly untilMs: number }
  | { readonly reason: "VOIDED" | "NO_RESERVATION" }
  | { readonly reason: "RESERVED"; readonly retryAfterMs: number }
  /** `by`: which keys redeemed it. */
  | { readonly reason: "REDEEMED"; readonly by: string }
  /** `how`: it ended. */
  | { readonly reason: "RESERVATION_OVER"; readonly how: "timed out" | "was cancelled" }
  /** The caller's deadline had passed, or it had left, before anything was tried for it. */
  | { readonly reason: "DEADLINE_EXCEEDED" }
  /** `why`: what is wrong with the credential, without a part of it. */
  | { readonly reason: "UNAUTHENTICATED" | "PERMISSION_DENIED"; readonly why: string }
  /**
   * `by`: which of the limits was reached; `attempts`: that of wrong operators' credentials from an address.
   */
  | { readonly reason: "RATE_LIMITED"; readonly by: LimitName | "attempts"; readonly retryAfterMs: number };

/** Whose requests a limit counts together: those of a user, from an address, with a server-to-server key. */
export type LimitName = "user" | "address" | "key";

/**
 * The campaign was made by a newer program. Any newer server answers; so asking again with the same key does.
 */
export const NEWER_CAMPAIGN = {
  reason: "OVERLOADED",
  why: "the campaign was made by a newer version than that of this server, which leaves it alone",
  retryAfterMs: 500,
} as const satisfies Refusal;

/** A page of issued codes would end behind claims that may still become durable. */
export const CLAIMS_UNDER_WAY = {
  reason: "OVERLOADED",
  why: "claims that come before the next issued codes are still under way, so a page of them would not be exact",
  retryAfterMs: 500,
} as const satisfies Refusal;

/** Without the key, a user who was erased cannot be told from one that has no coupon. */
export const NO_ERASURE_KEY = {
  reason: "OVERLOADED",
  why: "users of the campaign were erased, and this server has not the key that they were erased with",
  retryAfterMs: 500,
} as const satisfies Refusal;

/** A breaker is open: a store does not answer, and is being probed. */
export const STORE_AWAY = {
  reason: "OVERLOADED",
  why: "this server does not reach a store at the moment",
  retryAfterMs: 500,
} as const satisfies Refusal;
