import type { Inspection } from "../pool/answers.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { CampaignReading } from "../runtime/campaign-gauges.ts";

/** A pool that is still closed so long after its start, in ms, does not open by itself. */
const OVERDUE_MS = 2_000;

/** Codes that nobody has, over all lists of the pool. */
export function codesIn(pool: Pick<Inspection, "stagedCodes" | "openCodes" | "awayCodes">): number {
  return pool.stagedCodes + pool.openCodes + pool.awayCodes;
}

/** What the metrics tell of a campaign and its pool; undefined: its codes are not made yet. */
export function readingOf(
  campaign: CampaignDoc,
  pool: Inspection | undefined,
  nowMs: number,
): CampaignReading {
  const there = pool?.status === "ok" || pool?.status === "frozen" ? pool : undefined;
  return {
    campaignId: campaign._id,
    state: campaign.state.toLowerCase(),
    startsAtMs: campaign.startsAt.getTime(),
    total: campaign.total,
    remaining: there === undefined ? undefined : codesIn(there),
    isReady: there !== undefined && isWhole(there) && !isOverdue(campaign, there, nowMs),
  };
}

/** Codes and claims together are never fewer than the pool has had: see claim.lua. */
function isWhole(pool: Inspection): boolean {
  return codesIn(pool) + pool.claims >= pool.total;
}

function isOverdue({ startsAt }: CampaignDoc, { state }: Inspection, nowMs: number): boolean {
  return state === "staged" && nowMs - startsAt.getTime() > OVERDUE_MS;
}
