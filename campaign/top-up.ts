import type { Pool } from "../pool/pool.ts";
import { SCRIPT_ITEMS_MAX } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { QUIET_BEFORE_TOP_UP_MS } from "./sold-out-memory.ts";

/**
 * The outcome of a top-up. `topped`: the pool has every code of the campaign. `later`: the pool is missing or
 * fenced, or other processes kept changing it; the next round of a scheduler goes on.
 */
export type TopUpOutcome = "topped" | "later";

export type TopUpDeps = { pool: Pool; campaigns: Campaigns; coupons: Coupons; clock: Clock };

/**
 * How often in a row a script may report that another process was quicker, or that a change holds the pool,
 * before the rest is left to the next round.
 */
const OVERTAKEN_MAX = 40;
/** The pause before a pool that a change holds is read again, in ms. */
export const HELD_AGAIN_MS = 25;

/**
 * Brings codes that were added to a campaign into its pool, in the order of their ordinals. Needs no lease:
 * each step names the generation and the number of codes that it was made for, so any number of processes may
 * do it at once and each code is added once.
 */
export async function topUpPool(deps: TopUpDeps, campaignId: string): Promise<TopUpOutcome> {
  const { pool, campaigns, coupons, clock } = deps;
  const campaign = await campaigns.find(campaignId);
  if (campaign === null) return "later";
  const { total } = campaign;
  let seen = await pool.inspect(campaignId);
  // The name of the quiet that was waited for (see top-up.lua). It is kept while operators change the
  // campaign: otherwise many changes could postpone the top-up for ever.
  let waitedFor = "";
  for (let overtaken = 0; seen.total < total && overtaken < OVERTAKEN_MAX; ) {
    if (seen.status === "none" || seen.status === "fenced") return "later";
    if (seen.status === "frozen") {
      overtaken++;
      await sleep(clock, HELD_AGAIN_MS);
      seen = await pool.inspect(campaignId);
      continue;
    }
    const end = Math.min(total, seen.total + SCRIPT_ITEMS_MAX);
    const codes = await coupons.codes(campaignId, seen.total, end);
    if (codes.length !== end - seen.total)
      throw new Error(`campaign ${campaignId} lacks codes of the ordinals ${seen.total} to ${end - 1}`);
    const step = await pool.topUp(campaignId, seen.generation, seen.total, codes, waitedFor);
    switch (step.kind) {
      case "topped":
        overtaken = 0;
        seen = { ...seen, total: step.total };
        break;
      case "quiet":
        overtaken++;
        waitedFor = step.quiet;
        await sleep(clock, QUIET_BEFORE_TOP_UP_MS);
        break;
      case "frozen":
      case "moved":
        overtaken++;
        seen = await pool.inspect(campaignId);
        break;
      case "none":
      case "fenced":
        return "later";
      default:
        return step.kind satisfies never;
    }
  }
  return seen.total >= total ? "topped" : "later";
}
