import type { Lease } from "../campaign/lease.ts";
import type { CodeMaker } from "../codes/code-maker.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";

/**
 * Coupons per insert, and inserts under way at once: bounds memory for any total.
 */
const CHUNK = 5_000;
const CHUNKS_AT_ONCE = 3;

/** Collisions are rarer than one in a million codes; so many rounds show another fault. */
const ROUNDS_MAX = 50;

export type FillDeps = { campaigns: Campaigns; coupons: Coupons };

/**
 * Makes the codes of a campaign durable: ordinals 0 to total-1, and after them those of coupons that are
 * being added, each once. Goes on where an earlier run stopped, in any state: it reads the missing ordinals
 * from MongoDB, never from memory. Two generators on one campaign only waste work: the unique index on the
 * ordinal keeps the count exact. Makes at most `windowsMax` windows of 15,000 codes; true when none is
 * missing.
 */
export async function fillCampaign(
  { campaigns, coupons }: FillDeps,
  lease: Lease,
  makeCode: CodeMaker,
  windowsMax = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { _id: campaignId, generated } = lease.campaign;
  const total = lease.campaign.total + (lease.campaign.adding?.count ?? 0);
  const window = CHUNK * CHUNKS_AT_ONCE;

  async function fillChunk(first: number, end: number, mayHoldSome: boolean): Promise<void> {
    let missing = mayHoldSome ? await missingOrdinals(coupons, campaignId, first, end) : range(first, end);
    for (let round = 0; missing.length > 0; round++) {
      if (round === ROUNDS_MAX)
        throw new Error(`codes of campaign ${campaignId} still collide after ${round} rounds`);
      const refused = await coupons.insert(
        missing.map((ordinal) => ({ _id: makeCode(), campaignId, ordinal })),
      );
      if (refused === 0) return;
      missing = await missingOrdinals(coupons, campaignId, first, end);
    }
  }

  for (let start = generated, windows = 0; start < total; start += window, windows++) {
    if (windows === windowsMax) return false;
    await lease.keep();
    const end = Math.min(total, start + window);
    const chunks: Promise<void>[] = [];
    for (let first = start; first < end; first += CHUNK) {
      chunks.push(fillChunk(first, Math.min(end, first + CHUNK), start === generated));
    }
    await Promise.all(chunks);
    await campaigns.recordGenerated(campaignId, end);
  }
  return true;
}

async function missingOrdinals(
  coupons: Coupons,
  campaignId: string,
  first: number,
  end: number,
): Promise<number[]> {
  const existing = new Set(await coupons.ordinals(campaignId, first, end));
  return range(first, end).filter((ordinal) => !existing.has(ordinal));
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
