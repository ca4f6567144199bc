import type { CampaignCounts } from "../record/documents.ts";
import { LATENCY_BUCKETS, latencyBucket } from "../runtime/latency-histogram.ts";

/**
 * Answers of IssueCoupon in this process since its start, by campaign: how many of each outcome, and how long
 * they took. Every claim is counted, which costs two increments. A rate is the difference of two readings.
 */
export type Tally = {
  /** `outcome`: issued, replayed, or the reason of the refusal in small letters. */
  count(campaignId: string, outcome: string, tookMs: number): void;
  /** Drops the counts of a removed campaign. */
  forget(campaignId: string): void;
  /** All answers so far. */
  total(): number;
  /** The campaigns with the most recent answers, busiest first, at most `BUSIEST_MAX`. */
  busiest(): CampaignCounts[];
};

export const BUSIEST_MAX = 20;
const CAMPAIGNS_MAX = 1_000;
/**
 * The factor by which `busiest` reduces older answers at each call: after about seven calls they count half.
 */
const FADE = 0.9;
/** After these outcomes the campaign may not exist, so no counts are kept for its id. */
const NO_CAMPAIGN: readonly string[] = [
  "unknown_campaign",
  "invalid",
  "unauthenticated",
  "permission_denied",
  "rate_limited",
];

type Counts = {
  readonly campaignId: string;
  readonly outcomes: Record<string, number>;
  readonly latency: Uint32Array;
  answers: number;
  seenAnswers: number;
  busyness: number;
};

export function createTally(): Tally {
  const all = new Map<string, Counts>();
  let latest: Counts | undefined;
  let total = 0;

  function countsOf(campaignId: string, outcome: string): Counts | undefined {
    const known = all.get(campaignId);
    if (known !== undefined || NO_CAMPAIGN.includes(outcome)) return known;
    if (all.size >= CAMPAIGNS_MAX) forgetQuietest();
    const counts: Counts = {
      campaignId,
      outcomes: {},
      latency: new Uint32Array(LATENCY_BUCKETS),
      answers: 0,
      seenAnswers: 0,
      busyness: 0,
    };
    all.set(campaignId, counts);
    return counts;
  }

  /** Drops half of them at once, so that many new campaigns do not cause a sort each time. */
  function forgetQuietest(): void {
    const quietest = [...all.values()].sort((a, b) => a.busyness - b.busyness).slice(0, CAMPAIGNS_MAX / 2);
    for (const { campaignId } of quietest) all.delete(campaignId);
  }

  return {
    count(campaignId, outcome, tookMs) {
      total++;
      const counts = latest?.campaignId === campaignId ? latest : countsOf(campaignId, outcome);
      if (counts === undefined) return;
      latest = counts;
      counts.answers++;
      counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
      const bucket = latencyBucket(tookMs);
      counts.latency[bucket] = (counts.latency[bucket] ?? 0) + 1;
    },

    forget(campaignId) {
      all.delete(campaignId);
      if (latest?.campaignId === campaignId) latest = undefined;
    },

    total: () => total,

    busiest() {
      for (const counts of all.values()) {
        counts.busyness = counts.busyness * FADE + counts.answers - counts.seenAnswers;
        counts.seenAnswers = counts.answers;
      }
      latest = undefined;
      return [...all.values()]
        .sort((a, b) => b.busyness - a.busyness || b.answers - a.answers)
        .slice(0, BUSIEST_MAX)
        .map(({ campaignId, outcomes, latency }) => ({
          campaignId,
          outcomes: { ...outcomes },
          latency: [...latency.subarray(0, latency.findLastIndex((count) => count > 0) + 1)],
        }));
    },
  };
}
