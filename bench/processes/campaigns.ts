import { setTimeout as sleep } from "node:timers/promises";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign } from "../load/campaign.ts";
import { Trouble } from "../trouble.ts";
import type { Side } from "./ground.ts";

const OPEN_WITHIN_MS = 240_000;
const POLL_MS = 100;
const TRIES_MAX = 60;

/** An open campaign with all codes in its pool. Returns its id. */
export async function openCampaign(side: Side, total: number, signal: AbortSignal): Promise<string> {
  const id = await createCampaign(side.clients.campaigns, {
    name: "processes",
    total,
    startsAtMs: Date.now(),
  });
  await untilOpen(side, id, signal);
  return id;
}

/** Open campaigns, each in the pool of another master. Those in a pool that has one already are cancelled. */
export async function openCampaignPerMaster(
  side: Side,
  total: number,
  signal: AbortSignal,
): Promise<string[]> {
  const byMaster = new Map<number, string>();
  const plan = { name: "processes", total, startsAtMs: Date.now() };
  for (let tries = 0; byMaster.size < side.redis.length; tries += 1) {
    if (tries === TRIES_MAX) throw new Trouble("the campaigns do not spread over the masters");
    const id = await createCampaign(side.clients.campaigns, plan);
    const master = await side.masterOf(id);
    if (!byMaster.has(master)) byMaster.set(master, id);
    else await side.clients.campaigns.cancelCampaign({ campaignId: id });
  }
  const ids = [...byMaster.values()];
  for (const id of ids) await untilOpen(side, id, signal);
  return ids;
}

async function read({ clients }: Side, campaignId: string) {
  const { campaign } = await clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
  if (campaign === undefined) throw new Error("GetCampaign answered without a campaign");
  return campaign;
}

async function untilOpen(side: Side, id: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = Date.now() + OPEN_WITHIN_MS;
  while ((await read(side, id)).state !== CampaignState.OPEN) {
    signal.throwIfAborted();
    if (Date.now() > deadlineMs) throw new Trouble("a campaign was not open in time");
    await sleep(POLL_MS);
  }
}

/**
 * Issuances of the campaigns together, once they no longer change: a load that ended leaves claims under way.
 */
export async function issuedOf(side: Side, ids: readonly string[]): Promise<number> {
  const count = async () => {
    const issued = await Promise.all(ids.map(async (id) => (await read(side, id)).issued));
    return issued.reduce((sum, one) => sum + one, 0);
  };
  let last = await count();
  for (;;) {
    await sleep(POLL_MS);
    const now = await count();
    if (now === last) return now;
    last = now;
  }
}
