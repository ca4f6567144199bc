import type { CampaignDoc } from "../record/documents.ts";

/**
 * A new campaign is committed to its codes before any process can issue them. One that a generator of an
 * earlier version took to SCHEDULED is loaded without.
 */
export function lacksCommitment({ state, committed, total }: CampaignDoc): boolean {
  return state === "GENERATING" && committed !== undefined && committed < total;
}
