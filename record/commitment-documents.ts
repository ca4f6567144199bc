import type { Binary } from "mongodb";

/** A commitment to the codes of a campaign from one ordinal on. Written once, never changed. */
export type CommitmentDoc = {
  /** `campaign/ordinal of the first code`. */
  _id: string;
  campaignId: string;
  first: number;
  size: number;
  root: Binary;
  /** On MongoDB's clock. */
  at: Date;
};

/** The newest commitment in the document of its campaign. */
export type NewestCommitment = { number: number; first: number; size: number; root: Binary; at: Date };

/** What the document of a campaign has of its commitments. */
export type CommittedFields = {
  /**
   * Codes that the campaign is committed to: ordinals below it. Absent: a rehearsal, or a campaign that an
   * earlier version created; it may have no commitment.
   */
  committed?: number;
  /** The newest commitment, as in the collection `commitments`; `number`: how many there are with it. */
  commitment?: NewestCommitment;
};
