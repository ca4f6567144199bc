import type { Phase } from "./life-cycle.ts";

/**
 * Everything the service may say instead of yes: a closed set of values. A throw anywhere else means trouble.
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
   * A change that the campaign's place in its life does not allow; `allowed`: what is; `why`: if that place
   * alone does not tell.
   */
  | {
      readonly reason: "NOT_ALLOWED";
      readonly verb: string;
      readonly phase: Phase;
      readonly allowed: readonly string[];
      readonly why?: string;
    }
  /** `adding`: so many coupons are being added, one addition at a time. */
  | { readonly reason: "NOT_READY"; readonly adding?: number }
  /** `why`: what stood in the way, where that is not how much waits here. */
  | { readonly reason: "OVERLOADED"; readonly why?: string; readonly retryAfterMs?: number }
  | { readonly reason: "UNCERTAIN" }
  /** `why`: what is wrong with the credential, without a part of it. */
  | { readonly reason: "UNAUTHENTICATED" | "PERMISSION_DENIED"; readonly why: string }
  /** `by`: which of the limits was reached. */
  | { readonly reason: "RATE_LIMITED"; readonly by: string; readonly retryAfterMs: number };

/** A store is known to be away, and is being probed. */
export const STORE_AWAY = {
  reason: "OVERLOADED",
  why: "this server does not reach a store at the moment",
  retryAfterMs: 500,
} as const satisfies Refusal;
