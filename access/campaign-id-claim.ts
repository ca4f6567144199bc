import { validCampaignId } from "../campaign/valid.ts";

/** The campaign that a token is for: as it is recorded; undefined: any; null: no id of a campaign. */
export function campaignIdClaim(claim: unknown): string | undefined | null {
  if (claim === undefined) return undefined;
  const id = typeof claim === "string" ? validCampaignId(claim) : undefined;
  return id?.ok === true ? id.value : null;
}
