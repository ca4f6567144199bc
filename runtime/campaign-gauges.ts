import { Gauge, type Registry } from "prom-client";
import type { Clock } from "./clock.ts";

/** A campaign and its pool as a round of the sweeper or the scheduler found them. */
export type CampaignReading = {
  readonly campaignId: string;
  /** As recorded, in small letters. */
  readonly state: string;
  readonly startsAtMs: number;
  readonly total: number;
  /** Codes that nobody has; undefined: there is no pool. */
  readonly remaining: number | undefined;
  /** The pool can open at the start, or has done so. */
  readonly isReady: boolean;
};

/** The gauges of campaigns; no scrape asks a store. */
export type CampaignGauges = { note(reading: CampaignReading): void };

type Seen = { readonly reading: CampaignReading; readonly atMs: number };

/** On a page: those that are open, the latest start first, then those that are nearest to it. */
export const CAMPAIGNS_ON_PAGE_MAX = 50;
const KEPT_MAX = 1_000;
/**
 * A campaign that no round has found for so long is gone, or its store does not answer. Longer than between
 * two scrapes, so that the last figure of a sale is on a page.
 */
export const FORGOTTEN_AFTER_MS = 30_000;

export function createCampaignGauges(
  registry: Registry,
  clock: Pick<Clock, "now" | "elapsed">,
): CampaignGauges {
  const seen = new Map<string, Seen>();

  function forgetGone(): void {
    for (const [id, { atMs }] of seen) if (clock.elapsed() - atMs > FORGOTTEN_AFTER_MS) seen.delete(id);
  }

  function nearest(): readonly CampaignReading[] {
    forgetGone();
    const nowMs = clock.now();
    const distance = ({ state, startsAtMs }: CampaignReading) => ({
      rank: state === "open" ? 0 : 1,
      ms: state === "open" ? nowMs - startsAtMs : Math.abs(startsAtMs - nowMs),
    });
    return [...seen.values()]
      .map(({ reading }) => ({ reading, ...distance(reading) }))
      .sort((a, b) => a.rank - b.rank || a.ms - b.ms)
      .slice(0, CAMPAIGNS_ON_PAGE_MAX)
      .map(({ reading }) => reading);
  }

  /** Every worker and every scheduler finds the same campaigns, a moment apart. */
  function gauge(
    facts: { readonly name: string; readonly help: string; readonly aggregator: "min" | "max" },
    read: (reading: CampaignReading) => number | undefined,
  ): void {
    new Gauge({
      ...facts,
      labelNames: ["campaign"] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const reading of nearest()) {
          const value = read(reading);
          if (value !== undefined) this.set({ campaign: reading.campaignId }, value);
        }
      },
    });
  }

  gauge(
    {
      name: "coupon_campaign_pool_remaining",
      help: "Codes of a live campaign that nobody has, by the last round of the sweeper or the scheduler.",
      aggregator: "min",
    },
    ({ remaining }) => remaining,
  );
  gauge(
    { name: "coupon_campaign_coupons", help: "How many coupons a live campaign has.", aggregator: "max" },
    ({ total }) => total,
  );
  gauge(
    {
      name: "coupon_campaign_pool_ready",
      help: "1 where the pool can open at the start or has done so, else 0.",
      aggregator: "min",
    },
    ({ isReady }) => (isReady ? 1 : 0),
  );
  gauge(
    {
      name: "coupon_campaign_time_to_start_seconds",
      help: "Time to the start on the clock of this process; negative after it.",
      aggregator: "max",
    },
    ({ startsAtMs }) => (startsAtMs - clock.now()) / 1_000,
  );
  new Gauge({
    name: "coupon_campaign_info",
    help: "1 for each live campaign with its state as recorded.",
    labelNames: ["campaign", "state"] as const,
    aggregator: "max",
    registers: [registry],
    collect() {
      this.reset();
      for (const { campaignId, state } of nearest()) this.set({ campaign: campaignId, state }, 1);
    },
  });

  return {
    note(reading) {
      const { campaignId } = reading;
      if (seen.size >= KEPT_MAX && !seen.has(campaignId)) {
        const kept = new Set(nearest().map((one) => one.campaignId));
        for (const id of seen.keys()) if (!kept.has(id)) seen.delete(id);
      }
      seen.set(campaignId, { reading, atMs: clock.elapsed() });
    },
  };
}
