import type { Pool } from "../pool/pool.ts";
import { SCRIPT_ITEMS_MAX } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import type { Clock } from "../runtime/clock.ts";

/**
 * What came of a top-up: `topped`: the pool has every code of the campaign; `later`: it does not answer, or somebody else was at it:
 * whoever looks next goes on.
 */
export type TopUpOutcome = "topped" | "later";

export type TopUpDeps = { pool: Pool; campaigns: Campaigns; coupons: Coupons; clock: Clock };

/**
 * For so long a server may say "sold out" from memory (see server/claims/known-answers.ts), and a little more. A pool that has run dry
 * is quiet for so long before it is given codes again.
 */
export const QUIET_MS = 1_100;

/** How often a script may say that somebody else was quicker before this is left to them. */
const OVERTAKEN_MAX = 10;

/**
 * Brings codes that were added to a campaign into its pool, in the order of their ordinals. Needs no lease: each step names the
 * generation and the number of codes that it was made for, so any number may do it at once and each code comes in once.
 */
export async function topUpPool(deps: TopUpDeps, campaignId: string): Promise<TopUpOutcome> {
  const { pool, campaigns, coupons, clock } = deps;
  const campaign = await campaigns.find(campaignId);
  if (campaign === null) return "later";
  let { status, generation, total: offset } = await pool.inspect(campaignId);
  if (status !== "ok") return "later";
  let waited = false;
  for (let overtaken = 0; offset < campaign.total && overtaken < OVERTAKEN_MAX; ) {
    const end = Math.min(campaign.total, offset + SCRIPT_ITEMS_MAX);
    const codes = await coupons.codes(campaignId, offset, end);
    if (codes.length !== end - offset)
      throw new Error(`campaign ${campaignId} lacks codes of the ordinals ${offset} to ${end - 1}`);
    const { kind, total } = await pool.topUp(campaignId, generation, offset, codes, waited);
    waited = false;
    switch (kind) {
      case "topped":
        offset = total;
        break;
      case "quiet":
        await new Promise<void>((resolve) => void clock.after(QUIET_MS, resolve));
        waited = true;
        break;
      case "moved":
        overtaken++;
        ({ status, generation, total: offset } = await pool.inspect(campaignId));
        if (status !== "ok") return "later";
        break;
      case "held":
      case "none":
      case "fenced":
        return "later";
      default:
        return kind satisfies never;
    }
  }
  return offset >= campaign.total ? "topped" : "later";
}
