import type { Lease } from "../campaign/lease.ts";
import type { CodeMaker } from "../codes/code-maker.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import type { Clock } from "../runtime/clock.ts";
import { type FillPace, STEP_MOST } from "./fill-pace.ts";

/** Collisions are rarer than one in a million codes; so many rounds show another fault. */
const ROUNDS_MAX = 50;

export type FillDeps = {
  campaigns: Campaigns;
  coupons: Coupons;
  clock: Pick<Clock, "elapsed">;
  pace: FillPace;
};

/**
 * Makes the codes of a campaign durable: ordinals 0 to total-1, and after them those of coupons that are
 * being added, each once. Goes on where an earlier run stopped, in any state: it reads the missing ordinals
 * from MongoDB, never from memory. Two generators on one campaign only waste work: the unique index on the
 * ordinal keeps the count exact. Makes at most `stepsMax` steps of the pace; true when none is missing.
 */
export async function fillCampaign(
  { campaigns, coupons, clock, pace }: FillDeps,
  lease: Lease,
  makeCode: CodeMaker,
  stepsMax = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { _id: campaignId, generated } = lease.campaign;
  const total = lease.campaign.total + (lease.campaign.adding?.count ?? 0);

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

  let start = generated;
  for (let steps = 0; start < total; steps++) {
    if (steps === stepsMax) return false;
    await lease.keep();
    const step = await pace.next(lease.campaign, total - start);
    const end = Math.min(total, start + step.codes * step.atOnce);
    const beganAtMs = clock.elapsed();
    const chunks: Promise<void>[] = [];
    for (let first = start; first < end; first += step.codes) {
      const mayHoldSome = first < generated + STEP_MOST;
      chunks.push(fillChunk(first, Math.min(end, first + step.codes), mayHoldSome));
    }
    await Promise.all(chunks);
    await campaigns.recordGenerated(campaignId, end);
    start = end;
    if (start < total) await pace.rest(step, clock.elapsed() - beganAtMs);
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
