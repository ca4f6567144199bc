/** A coupon as the service issued it. */
export type Coupon = {
  /** In Unicode NFC. Compare it as a string; show it as it is. */
  readonly code: string;
  readonly campaignId: string;
  /** Its place in the issue order of one generation, from 1, with gaps: no count, and no identity. */
  readonly seq: number;
  readonly issuedAt: Date;
};

/** Answers that any call can have, beside its own. */
export type CommonOutcome =
  | { readonly kind: "unknownCampaign"; readonly message: string }
  /** No valid credential: get another token. */
  | { readonly kind: "unauthenticated"; readonly message: string }
  /** The credential is valid and does not cover this call. */
  | { readonly kind: "permissionDenied"; readonly message: string }
  /** A field is missing or out of range; the message names it and what is allowed. */
  | { readonly kind: "invalid"; readonly message: string }
  /** A refusal that this version of the library does not know; `reason` as in the contract. */
  | { readonly kind: "refused"; readonly reason: string; readonly message: string }
  /**
   * An error that another try does not mend, such as HTTP 404 from a wrong address; `code` is Connect's. What
   * an earlier try of the same call did is not known.
   */
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  /**
   * `patienceMs` is over without a definite answer: it may or may not have happened. Ask again with the same
   * key. `message` is of the last try.
   */
  | { readonly kind: "unanswered"; readonly message: string };

/** The end of a claim. `requestId` was sent with it: the key of a campaign that is not one-per-user. */
export type ClaimOutcome = { readonly requestId: string } & (
  | {
      readonly kind: "issued";
      readonly coupon: Coupon;
      /** True: this key had the coupon before this call. */
      readonly replayed: boolean;
    }
  | { readonly kind: "soldOut" }
  /** The user has as many coupons as the campaign gives each. An earlier request id still has its own. */
  | { readonly kind: "maxPerUser" }
  | {
      readonly kind: "notStarted";
      readonly startsAt: Date | undefined;
      /** When to ask again, from the answer on. */
      readonly retryAfterMs: number;
    }
  | { readonly kind: "ended" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "paused"; readonly retryAfterMs: number }
  | CommonOutcome
);

export type FindOutcome =
  | { readonly kind: "found"; readonly coupon: Coupon }
  /** No coupon was issued for this key or code. */
  | { readonly kind: "none" }
  /** The code cannot be one of this campaign: it has another form, or its check character does not fit. */
  | { readonly kind: "mistyped"; readonly message: string }
  | CommonOutcome;

/** The state of a campaign, as in the contract. A newer contract may have others. */
export type CampaignStateName =
  | "GENERATING"
  | "SCHEDULED"
  | "OPEN"
  | "PAUSED"
  | "SOLD_OUT"
  | "ENDED"
  | "CANCELLED";

/** How a claim is authenticated: not at all, with a backend's key, or with a token of the user. */
export type ClaimAuthName = "OPEN" | "KEY" | "TOKEN";

export type CampaignStatus = {
  readonly state: CampaignStateName;
  readonly startsAt: Date;
  /** Undefined: it does not end by itself. */
  readonly endsAt: Date | undefined;
  /** True: no coupon is left to claim; holders still get theirs. */
  readonly soldOut: boolean;
  /** The server's clock when it answered; of an answer out of a cache, earlier. */
  readonly serverTime: Date;
  /** From `serverTime` to `startsAt`; 0 once that has passed. */
  readonly millisToStart: number;
  /** True: a claim names its user. False: a claim is of its request id. */
  readonly onePerUser: boolean;
  /**
   * How many coupons a user gets at most: 1 where `onePerUser`; more: a claim names its user and is of its
   * request id; 0: users are not counted, or the server is of an earlier version.
   */
  readonly maxPerUser: number;
  /** Undefined: a server of an earlier version does not say. */
  readonly claimAuth: ClaimAuthName | undefined;
};

export type StatusOutcome = ({ readonly kind: "status" } & CampaignStatus) | CommonOutcome;
