import type { Pool } from "../pool/pool.ts";
import { SCRIPT_ITEMS_MAX } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { QUIET_BEFORE_TOP_UP_MS } from "./sold-out-memory.ts";

/**
 * What came of a top-up: `topped`: the pool has every code of the campaign; `later`: it does not answer, or
 * somebody else was at it: whoever looks next goes on.
 */
export type TopUpOutcome = "topped" | "later";

export type TopUpDeps = { pool: Pool; campaigns: Campaigns; coupons: Coupons; clock: Clock };

/**
 * How often in a row a script may say that somebody else was quicker, or changes the campaign, before this is
 * left to whoever looks next.
 */
const OVERTAKEN_MAX = 40;
/** Until a pool that a change holds is looked at again, in ms. */
export const HELD_AGAIN_MS = 25;

/**
 * Brings codes that were added to a campaign into its pool, in the order of their ordinals. Needs no lease:
 * each step names the generation and the number of codes that it was made for, so any number may do it at
 * once and each code comes in once.
 */
export async function topUpPool(deps: TopUpDeps, campaignId: string): Promise<TopUpOutcome> {
  const { pool, campaigns, coupons, clock } = deps;
  const campaign = await campaigns.find(campaignId);
  if (campaign === null) return "later";
  const { total } = campaign;
  let seen = await pool.inspect(campaignId);
  // Of the memories of "sold out": kept while operators change the campaign, or many changes would put it off
  // for ever.
  let waitedFor = "";
  for (let overtaken = 0; seen.total < total && overtaken < OVERTAKEN_MAX; ) {
    if (seen.status === "none" || seen.status === "fenced") return "later";
    if (seen.status === "held") {
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
      case "held":
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
