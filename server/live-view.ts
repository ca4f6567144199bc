import type { Inspection, Pool } from "../pool/pool.ts";
import type { CampaignDoc, Campaigns } from "../record/campaigns.ts";
import type { Clock } from "../runtime/clock.ts";

/** A campaign and its pool at about the same moment; the pool is undefined while Redis does not answer. */
export type Look = { readonly campaign: CampaignDoc; readonly pool: Inspection | undefined };

/** What is happening now, for any number of onlookers: both stores are asked at most once per `FRESH_MS` and campaign. */
export type LiveView = {
  /** null: there is no such campaign. Rejects when MongoDB does not answer. */
  look(campaignId: string): Promise<Look | null>;
};

const FRESH_MS = 100;
const CAMPAIGNS_MAX = 10_000;

export function createLiveView(campaigns: Campaigns, pool: Pool, clock: Clock): LiveView {
  const looks = new Map<string, { atMs: number; look: Promise<Look | null> }>();

  async function ask(campaignId: string): Promise<Look | null> {
    const [campaign, inspection] = await Promise.all([
      campaigns.find(campaignId),
      pool.inspect(campaignId).catch(() => undefined),
    ]);
    return campaign === null ? null : { campaign, pool: inspection };
  }

  return {
    look(campaignId) {
      const nowMs = clock.now();
      const last = looks.get(campaignId);
      if (last !== undefined && Math.abs(nowMs - last.atMs) < FRESH_MS) return last.look;
      if (looks.size >= CAMPAIGNS_MAX) looks.clear();
      const look = ask(campaignId);
      looks.set(campaignId, { atMs: nowMs, look });
      // A failure is not remembered: the next onlooker asks again.
      look.catch(() => looks.delete(campaignId));
      return look;
    },
  };
}
