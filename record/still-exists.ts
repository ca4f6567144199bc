import type { Collection, Db } from "mongodb";
import { isRehearsalId } from "./campaign-id.ts";
import type { CampaignDoc } from "./documents.ts";

/** A rehearsal was removed while something was written for it; the write has been deleted again. */
export class RehearsalRemoved extends Error {
  override readonly name = "RehearsalRemoved";
}

/** Matches every campaign that is not being removed. */
export const STANDING = { removing: { $exists: false } } as const;

/**
 * Whether a campaign still exists; called after a write for it. Only rehearsals are ever removed, so for any
 * other campaign it sends no query.
 */
export async function stillExists(db: Db, campaignId: string): Promise<boolean> {
  if (!isRehearsalId(campaignId)) return true;
  const campaigns: Collection<CampaignDoc> = db.collection("campaigns");
  const filter = { _id: campaignId, ...STANDING };
  return (await campaigns.findOne(filter, { projection: { _id: 1 } })) !== null;
}
