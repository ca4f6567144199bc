import type { Collection, Db } from "mongodb";
import { isRehearsalId } from "./campaign-id.ts";
import type { CampaignDoc } from "./documents.ts";

/** Something was written for a rehearsal while it was being removed; it has been taken back. */
export class RehearsalRemoved extends Error {
  override readonly name = "RehearsalRemoved";
}

/** What a rehearsal that is being removed is not. */
export const STANDING = { removing: { $exists: false } } as const;

/**
 * Asked after something was written for the campaign. Only rehearsals ever go, so nothing is asked for any
 * other.
 */
export async function stillExists(db: Db, campaignId: string): Promise<boolean> {
  if (!isRehearsalId(campaignId)) return true;
  const campaigns: Collection<CampaignDoc> = db.collection("campaigns");
  const filter = { _id: campaignId, ...STANDING };
  return (await campaigns.findOne(filter, { projection: { _id: 1 } })) !== null;
}
