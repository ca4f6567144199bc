import type { Phase } from "./life-cycle.ts";

/**
 * Every answer other than the result that was asked for: a closed set of values. An exception means a
 * failure, never a refusal.
 */
export type Refusal =
  | { readonly reason: "NOT_STARTED"; readonly startsAtMs: number; readonly waitMs: number }
  | {
      readonly reason: "ENDED" | "CANCELLED" | "PAUSED" | "SOLD_OUT" | "UNKNOWN_CAMPAIGN" | "NO_COUPON";
    }
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
  /** `adding`: how many coupons are being added; only one addition runs at a time. */
  | { readonly reason: "NOT_READY"; readonly adding?: number }
  /** `why`: the reason, where it is not that this server has too many waiting requests. */
  | { readonly reason: "OVERLOADED"; readonly why?: string; readonly retryAfterMs?: number }
  | { readonly reason: "UNCERTAIN" }
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

/** A breaker is open: a store does not answer, and is being probed. */
export const STORE_AWAY = {
  reason: "OVERLOADED",
  why: "this server does not reach a store at the moment",
  retryAfterMs: 500,
} as const satisfies Refusal;
