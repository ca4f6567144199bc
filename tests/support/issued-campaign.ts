import type { IssuanceDoc } from "../../record/documents.ts";
import { madeCampaign, recordsOf } from "./made-campaign.ts";
import type { TestStores } from "./shared-stores.ts";

/**
 * Returns the id of a campaign whose coupons are all on record, for user-0, user-1 …, as listings and exports
 * read them.
 */
export async function issuedCampaign(stores: TestStores, total: number): Promise<string> {
  const { campaign, codes } = await madeCampaign(recordsOf(stores.db), { total });
  const issuances = stores.db.collection<IssuanceDoc>("issuances");
  await issuances.insertMany(
    codes.map((code, i) => ({
      ...{ _id: code, campaignId: campaign._id, claimKey: `user-${i}`, generation: 1, seq: i + 1 },
      issuedAt: new Date(1_000 + i),
    })),
  );
  return campaign._id;
}
