import type { Refusal } from "../campaign/refusal.ts";
import type { Claim, PoolState } from "../pool/answers.ts";
import type { CampaignFacts } from "./campaign-cache.ts";

export type Issue =
  | { readonly kind: "issued"; readonly held: Claim; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Who waits; an AbortSignal is one. */
export type Caller = {
  /** The caller has gone or its own deadline has passed. Looked at before the claim, never after. */
  readonly aborted: boolean;
};

/** A caller as its transport sees it. What it may claim is decided by these two, on every transport alike. */
export type RemoteCaller = Caller & {
  /** The `authorization` header as it came; undefined: none. */
  readonly authorization: string | undefined;
  /** The source address; empty: unknown, since the connection has closed. */
  readonly address: string;
};

export type IssueAsk = {
  readonly campaignId: string;
  readonly facts: CampaignFacts;
  readonly claimKey: string;
  /** The user who asks, where that is not the claim key; empty: not given. */
  readonly userId: string;
  readonly caller: Caller;
  /** Of its deadline, in ms: what went by before this. */
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
      // The script answers these with a coupon, sold or early.
      return { reason: "UNCERTAIN" };
    default:
      return state satisfies never;
  }
}
