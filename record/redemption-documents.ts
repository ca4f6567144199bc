/** The shapes of the documents about redeeming coupons; `record/mongo.ts` has their indexes. */

/** The rules of a campaign's coupons, in its document; they never change. Absent there: the defaults. */
export type RedemptionRulesDoc = {
  /** Absent: from the issue on. */
  validFrom?: Date;
  /** Absent: no end. */
  validUntil?: Date;
  /** For so many days of 24 hours after the issue; absent: not limited so. */
  validDays?: number;
  /** For the user alone who claimed the coupon. */
  boundToUser?: true;
  /** How often a code may be redeemed; absent: once. */
  max?: number;
};

export type UseState = "reserved" | "confirmed" | "cancelled" | "expired";

/** One redemption of a code. All instants are on MongoDB's clock. */
export type UseDoc = {
  /** The caller's idempotency key; no two of a code have the same. */
  key: string;
  /** `reserved` only until `until`: whatever is written next to the document makes it `expired`. */
  state: UseState;
  /** The name of the operator whose credential began it. */
  by: string;
  /** Absent: it was redeemed in one step, or cancelled before it was reserved. */
  reservedAt?: Date;
  /** From this instant the reservation cannot be confirmed; with `reservedAt`. */
  until?: Date;
  /** When it was confirmed, cancelled, or expired. */
  endedAt?: Date;
};

/** One change of whether a code is void. Never altered. */
export type VoidChangeDoc = {
  at: Date;
  actor: string;
  voided: boolean;
  /** Absent: not given. */
  reason?: string;
};

/**
 * Everything about the redemption of one code. A single document, so that whatever races is decided by one
 * guarded update; there is none before the first change.
 */
export type RedemptionDoc = {
  /** The code. */
  _id: string;
  campaignId: string;
  /** Counts the changes; each update demands the one that its decision was made on. */
  revision: number;
  /** In the order in which they began. Those that are confirmed stay for ever. */
  uses: UseDoc[];
  voided: boolean;
  voidChanges: VoidChangeDoc[];
};
