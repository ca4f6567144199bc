import type { Db } from "mongodb";
import { newCampaignId } from "../../record/campaign-id.ts";
import { type Campaigns, createCampaigns } from "../../record/campaigns.ts";
import { type Commitments, createCommitments } from "../../record/commitments.ts";
import { type Coupons, createCoupons } from "../../record/coupons.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { createHistory, type History } from "../../record/history.ts";
import { createIssuances, type Issuances } from "../../record/issuances.ts";

export type Records = {
  readonly campaigns: Campaigns;
  readonly commitments: Commitments;
  readonly coupons: Coupons;
  readonly history: History;
  readonly issuances: Issuances;
};

export function recordsOf(db: Db): Records {
  return {
    campaigns: createCampaigns(db),
    commitments: createCommitments(db),
    coupons: createCoupons(db),
    history: createHistory(db),
    issuances: createIssuances(db),
  };
}

const HOUR_MS = 3_600_000;
let made = 0;

/** A campaign without codes, by default open for an hour. */
export async function bareCampaign(
  { campaigns }: Records,
  given: Partial<CampaignDoc> = {},
): Promise<CampaignDoc> {
  const nowMs = Date.now();
  return campaigns.create({
    _id: newCampaignId(nowMs),
    name: "a campaign",
    total: 10,
    startsAt: new Date(nowMs - HOUR_MS),
    onePerUser: true,
    codeFormat: "가가가가가가0000",
    state: "GENERATING",
    generation: 0,
    generated: 0,
    createdAt: new Date(nowMs),
    ...given,
  });
}

/** A campaign whose codes are all durable and whose pool is not loaded. Codes sort by their ordinal. */
export async function madeCampaign(
  records: Records,
  given: Partial<CampaignDoc> = {},
): Promise<{ readonly campaign: CampaignDoc; readonly codes: string[] }> {
  const total = given.total ?? 10;
  const campaign = await bareCampaign(records, { state: "SCHEDULED", generated: total, ...given });
  const serial = ++made;
  const codes = Array.from({ length: total }, (_, ordinal) => `가${serial}-${ordinal}`);
  await records.coupons.insert(
    codes.map((code, ordinal) => ({ _id: code, campaignId: campaign._id, ordinal })),
  );
  return { campaign, codes };
}
