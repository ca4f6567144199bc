import { setTimeout as sleep } from "node:timers/promises";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign } from "../load/campaign.ts";
import { Trouble } from "../trouble.ts";
import type { Ground } from "./ground.ts";

const READY_DEADLINE_MS = 900_000;
const POLL_MS = 100;
const HOUR_MS = 3_600_000;

async function read({ clients }: Pick<Ground, "clients">, campaignId: string) {
  const { campaign } = await clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
  if (campaign === undefined) throw new Error("GetCampaign answered without a campaign");
  return campaign;
}

/**
 * The number of issuances, once it no longer changes: a load that ended leaves claims under way.
 */
export async function issuedOf(ground: Ground, campaignId: string): Promise<number> {
  let last = (await read(ground, campaignId)).issued;
  for (;;) {
    await sleep(POLL_MS / 2);
    const { issued } = await read(ground, campaignId);
    if (issued === last) return issued;
    last = issued;
  }
}

/**
 * Makes a campaign in the wanted state: open, or scheduled with its start in an hour. Returns its id.
 */
export function campaignIn(
  ground: Ground,
  wanted: "open" | "scheduled",
  total: number,
  signal: AbortSignal,
): Promise<string> {
  if (wanted === "scheduled") return campaignAt(ground, { total, startsAtMs: Date.now() + HOUR_MS }, signal);
  return made(ground, { total, startsAtMs: Date.now() }, CampaignState.OPEN, signal);
}

/** Makes a campaign that waits for its start, with all codes loaded. Returns its id. */
export function campaignAt(
  ground: Pick<Ground, "clients">,
  plan: Plan,
  signal: AbortSignal,
): Promise<string> {
  return made(ground, plan, CampaignState.SCHEDULED, signal);
}

type Plan = { readonly total: number; readonly startsAtMs: number };

async function made(
  ground: Pick<Ground, "clients">,
  plan: Plan,
  state: CampaignState,
  signal: AbortSignal,
): Promise<string> {
  const id = await createCampaign(ground.clients.campaigns, { name: "bench", ...plan });
  const deadlineMs = Date.now() + READY_DEADLINE_MS;
  while ((await read(ground, id)).state !== state) {
    signal.throwIfAborted();
    if (Date.now() > deadlineMs) throw new Trouble(`a campaign of ${plan.total} was not ready in time`);
    await sleep(POLL_MS);
  }
  return id;
}
