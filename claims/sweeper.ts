import { readingOf } from "../campaign/campaign-reading.ts";
import { createNewerCampaigns } from "../campaign/newer-campaigns.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import { livePages } from "../record/live-campaigns.ts";
import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { ERASED_SHAPE } from "../runtime/stored-shape.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import type { Claimer } from "./claimer.ts";
import type { StoreBreakers } from "./store-breakers.ts";

export type SweeperDeps = {
  pool: Pool;
  campaigns: Campaigns;
  claimer: Claimer;
  /** Asked each round to look whether a store answers again: maybe no request does. */
  breakers: Pick<StoreBreakers, "probe">;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  /** Ledger entries younger than this are left to the server that made them, in ms. */
  sweepAfterMs: number;
};

export type Sweeper = {
  start(): void;
  /** One round over all live campaigns; returns the number of entries finished. */
  sweep(): Promise<number>;
  stop(): Promise<void>;
};

/** `oldestMs`: the age of the oldest claim that is left to no other server; 0: there is none. */
type Swept = { readonly depth: number; readonly oldestMs: number; readonly finished: number };

const ROUND_EVERY_MS = 500;
const ENTRIES_MAX = 500;

/**
 * Finishes the claims that a crashed or cut-off server left in the ledger: it inserts the issuance for the
 * same claim key, and never returns the code to the pool. Every server runs one. Two may work on the same
 * entry, because MongoDB's unique indexes decide.
 */
export function createSweeper(deps: SweeperDeps): Sweeper {
  const { pool, campaigns, claimer, breakers, clock, metrics, sweepAfterMs } = deps;
  const logger = deps.logger.child({ component: "claims" });
  const leave = createNewerCampaigns(logger);
  let cancel: Cancel = () => undefined;
  let round: Promise<void> = Promise.resolve();
  let stopped = false;

  async function sweepCampaign(campaign: CampaignDoc): Promise<Swept> {
    const { _id: campaignId } = campaign;
    const seen = await pool.inspect(campaignId);
    metrics.campaigns.note(readingOf(campaign, seen, clock.now()));
    const { erasure, loadedGeneration } = campaign;
    // A pool that was loaded from what MongoDB had before the mark.
    if (erasure !== undefined && seen.status === "ok" && seen.erased !== erasure.key)
      await pool.mark(campaignId, erasure.key, ERASED_SHAPE, loadedGeneration);
    const { ledger } = seen;
    if (ledger === 0) return { depth: 0, oldestMs: 0, finished: 0 };
    const page = await pool.ledgerPage(campaignId, sweepAfterMs, "-", ENTRIES_MAX);
    const results = await Promise.allSettled(page.claims.map((claim) => claimer.finish(claim)));
    const finished = results.filter((result) => result.status === "fulfilled").length;
    if (finished > 0)
      logger.info(
        { campaign: campaignId, finished, ledger },
        "swept: claims of a crashed or slow server are durable",
      );
    const [oldest] = page.claims;
    const oldestMs = oldest === undefined ? 0 : Math.max(0, seen.redisNowMs - oldest.issuedAtMs);
    return { depth: ledger, oldestMs, finished };
  }

  async function sweep(): Promise<number> {
    let depth = 0;
    let oldestMs = 0;
    let finished = 0;
    // In a Redis Cluster, one node may be away or one slot may be moving while the others serve.
    const failures: unknown[] = [];
    for await (const page of livePages(campaigns, leave)) {
      for (const swept of await Promise.allSettled(page.map(sweepCampaign))) {
        if (swept.status === "rejected") {
          failures.push(swept.reason);
          continue;
        }
        depth += swept.value.depth;
        oldestMs = Math.max(oldestMs, swept.value.oldestMs);
        finished += swept.value.finished;
      }
    }
    metrics.ledgerDepth.set(depth);
    metrics.ledgerOldestSeconds.set(oldestMs / 1_000);
    metrics.swept.inc(finished);
    if (failures.length > 0) throw failures[0];
    return finished;
  }

  const runRound = troubleOnce(sweep, {
    failed: (error) => logger.warn({ err: error }, "a sweep failed; the next round tries again"),
  });

  function next(): void {
    if (stopped) return;
    cancel = clock.after(ROUND_EVERY_MS, () => {
      breakers.probe();
      round = runRound().then(next);
    });
  }

  return {
    start: next,
    sweep,
    async stop() {
      stopped = true;
      cancel();
      await round;
    },
  };
}
