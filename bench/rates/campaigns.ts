import { setTimeout as sleep } from "node:timers/promises";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign } from "../load/campaign.ts";
import { Trouble } from "../trouble.ts";
import type { Ground } from "./ground.ts";

const READY_DEADLINE_MS = 180_000;
const POLL_MS = 100;
const HOUR_MS = 3_600_000;

async function read({ clients }: Ground, campaignId: string) {
  const { campaign } = await clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
  if (campaign === undefined) throw new Error("GetCampaign answered without a campaign");
  return campaign;
}

export async function issuedOf(ground: Ground, campaignId: string): Promise<number> {
  return (await read(ground, campaignId)).issued;
}

/** A campaign in the state that is wanted: open since it was loaded, or with its start an hour away. Its id. */
export async function campaignIn(
  ground: Ground,
  wanted: "open" | "scheduled",
  total: number,
  signal: AbortSignal,
): Promise<string> {
  const state = wanted === "open" ? CampaignState.OPEN : CampaignState.SCHEDULED;
  const startsAtMs = Date.now() + (wanted === "open" ? 0 : HOUR_MS);
  const id = await createCampaign(ground.clients.campaigns, { name: "bench", total, startsAtMs });
  const deadlineMs = Date.now() + READY_DEADLINE_MS;
  while ((await read(ground, id)).state !== state) {
    signal.throwIfAborted();
    if (Date.now() > deadlineMs) throw new Trouble(`a campaign of ${total} was not ready in time`);
    await sleep(POLL_MS);
  }
  return id;
}
