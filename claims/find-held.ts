import type { IssuanceDoc } from "../record/documents.ts";
import type { Issuances } from "../record/issuances.ts";
import type { ErasureMarks } from "./erasure-marks.ts";

/**
 * The issuance that a claim key has, under the key itself or, since its user was erased, under its pseudonym.
 * Looked up in this order, because an erasure replaces the one by the other. @throws MissingErasureKey
 */
export async function findHeld(
  issuances: Pick<Issuances, "findByClaimKey">,
  marks: Pick<ErasureMarks, "demanded">,
  campaignId: string,
  claimKey: string,
): Promise<IssuanceDoc | null> {
  const own = await issuances.findByClaimKey(campaignId, claimKey);
  if (own !== null) return own;
  const pseudonym = marks.demanded(campaignId)?.ofClaimKey(campaignId, claimKey);
  return pseudonym === undefined ? null : issuances.findByClaimKey(campaignId, pseudonym);
}
