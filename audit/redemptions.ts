/** What the redemption of a code left in MongoDB, and what its callers were told. */

/** The rules of a campaign, as its document has them. */
export type RedemptionRules = {
  readonly fromMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly days: number | undefined;
  readonly max: number;
};

export type RecordedUse = {
  readonly key: string;
  readonly state: string;
  readonly reservedAtMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly endedAtMs: number | undefined;
};

export type RecordedVoid = { readonly atMs: number; readonly voided: boolean };

/** One document of `redemptions`, beside the issuance of its code. */
export type RedemptionRecord = {
  readonly code: string;
  /** undefined: the code has no issuance of this campaign. */
  readonly issuedAtMs: number | undefined;
  readonly uses: readonly RecordedUse[];
  readonly voids: readonly RecordedVoid[];
  /** MongoDB's clock when it was read. */
  readonly readAtMs: number;
  /** Which field has a wrong type; undefined: all are right. */
  readonly misfit?: string;
};

/** A confirmation that a caller was answered. */
export type ToldRedemption = { readonly code: string; readonly key: string };
