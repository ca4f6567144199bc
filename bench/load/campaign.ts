import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { enumName } from "../../proto/enum-name.ts";
import { CampaignState, CampaignStateSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { Trouble } from "../trouble.ts";
import type { Clients } from "./connect-client.ts";

export type NewCampaign = {
  readonly name: string;
  readonly total: number;
  readonly startsAtMs: number;
  /** How many coupons each user gets; default 1. */
  readonly maxPerUser?: number | undefined;
  /** How often each code may be redeemed; default 1. */
  readonly maxRedemptions?: number | undefined;
};

const POLL_MS = 50;
const CALL_TIMEOUT_MS = 10_000;

/** Creates a campaign that is one-per-user, or gives each user several up to a number; returns its id. */
export async function createCampaign(campaigns: Clients["campaigns"], plan: NewCampaign): Promise<string> {
  const { name, total, startsAtMs, maxPerUser = 1, maxRedemptions } = plan;
  const redemption = maxRedemptions === undefined ? {} : { redemption: { maxRedemptions } };
  const { campaign } = await campaigns.createCampaign(
    {
      name,
      total,
      startsAt: timestampFromMs(startsAtMs),
      maxPerUser,
      requestId: randomUUID(),
      ...redemption,
    },
    { timeoutMs: CALL_TIMEOUT_MS },
  );
  if (campaign === undefined) throw new Error("CreateCampaign answered without a campaign");
  return campaign.id;
}

/** States after the start: on a busy machine the poll may be late, but the pool was loaded in time. */
const STARTED: readonly (CampaignState | undefined)[] = [CampaignState.OPEN, CampaignState.SOLD_OUT];

/** Waits until all codes are in the pool. */
export async function waitUntilScheduled(
  campaigns: Clients["campaigns"],
  campaignId: string,
  untilMs: number,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const { campaign } = await campaigns.getCampaign(
      { campaignId, view: CampaignView.BASIC },
      { timeoutMs: CALL_TIMEOUT_MS },
    );
    if (campaign?.state === CampaignState.SCHEDULED) return;
    if (STARTED.includes(campaign?.state) && Date.now() >= untilMs) return;
    if (campaign?.state !== CampaignState.GENERATING)
      throw new Trouble(
        `the campaign is in state ${campaign && enumName(CampaignStateSchema, campaign.state)} before its start`,
      );
    if (Date.now() >= untilMs)
      throw new Trouble(`only ${campaign.generated} of ${campaign.total} codes were ready in time`);
    await sleep(POLL_MS);
  }
}
