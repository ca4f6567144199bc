import type { Refusal } from "../campaign/refusal.ts";
import type { Claim, PoolState } from "../pool/answers.ts";
import type { Traced } from "../runtime/tracer.ts";
import type { CampaignFacts } from "./campaign-cache.ts";

export type Issue =
  | { readonly kind: "issued"; readonly coupon: Claim; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The caller that waits for the answer; an AbortSignal is one. */
export type Caller = Traced & {
  /** The caller has gone or its own deadline has passed. Read before the claim, never after. */
  readonly aborted: boolean;
};

/** Carries what the caller's page got from the check of CLAIM_HOOK_URL. */
export const CHALLENGE_HEADER = "x-challenge-token";

/** A caller as its transport sees it. These fields decide what it may claim, on every transport. */
export type RemoteCaller = Caller & {
  /** The `authorization` header as it came; undefined: none. */
  readonly authorization: string | undefined;
  /** The source address; empty: unknown, since the connection has closed. */
  readonly address: string;
  /** CHALLENGE_HEADER as it came; undefined: none. */
  readonly challenge?: string | undefined;
};

export type IssueAsk = {
  readonly campaignId: string;
  readonly facts: CampaignFacts;
  readonly claimKey: string;
  /** The user who asks, where that is not the claim key; empty: not given. */
  readonly userId: string;
  readonly caller: Caller;
  /** How much of its deadline has passed already, in ms. */
  readonly spentMs?: number;
};

export function refused(refusal: Refusal): Issue {
  return { kind: "refused", refusal };
}

/** Why a pool in this state gives no coupon. */
export function refusalOf(state: PoolState): Refusal {
  switch (state) {
    case "paused":
      return { reason: "PAUSED" };
    case "ended":
      return { reason: "ENDED" };
    case "cancelled":
      return { reason: "CANCELLED" };
    case "staged":
    case "open":
      // Cannot happen: the script replies to these with a coupon, `sold` or `early`.
      return { reason: "UNCERTAIN" };
    default:
      return state satisfies never;
  }
}
