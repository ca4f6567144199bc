import type { IndexDescription } from "mongodb";

/** The indexes that every insert of an issuance pays for, of the real ones and of warm-ups' shadows. */
export const ISSUANCE_INDEXES: readonly IndexDescription[] = [
  { key: { campaignId: 1, claimKey: 1 }, name: "one_per_claim_key", unique: true },
  { key: { campaignId: 1, generation: 1, seq: 1 }, name: "in_issue_order" },
];
