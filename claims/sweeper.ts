import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import { livePages } from "../record/live-campaigns.ts";
import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import type { Claimer } from "./claimer.ts";

export type SweeperDeps = {
  pool: Pool;
  campaigns: Campaigns;
  claimer: Claimer;
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

const ROUND_EVERY_MS = 500;
const ENTRIES_MAX = 500;

/**
 * Finishes the claims that a crashed or cut-off server left in the ledger: it inserts the issuance for the
 * same claim key, and never returns the code to the pool. Every server runs one. Two may work on the same
 * entry, because MongoDB's unique indexes decide.
 */
export function createSweeper(deps: SweeperDeps): Sweeper {
  const { pool, campaigns, claimer, clock, metrics, sweepAfterMs } = deps;
  const logger = deps.logger.child({ component: "claims" });
  let cancel: Cancel = () => undefined;
  let round: Promise<void> = Promise.resolve();
  let stopped = false;

  async function sweepCampaign(campaignId: string): Promise<{ depth: number; finished: number }> {
    const { ledger } = await pool.inspect(campaignId);
    if (ledger === 0) return { depth: 0, finished: 0 };
    const page = await pool.ledgerPage(campaignId, sweepAfterMs, "-", ENTRIES_MAX);
    const results = await Promise.allSettled(page.claims.map((claim) => claimer.finish(claim)));
    const finished = results.filter((result) => result.status === "fulfilled").length;
    if (finished > 0)
      logger.info(
        { campaign: campaignId, finished, ledger },
        "swept: claims of a crashed or slow server are durable",
      );
    return { depth: ledger, finished };
  }

  async function sweep(): Promise<number> {
    let depth = 0;
    let finished = 0;
    // In a Redis Cluster, one node may be away or one slot may be moving while the others serve.
    const failures: unknown[] = [];
    for await (const page of livePages(campaigns)) {
      for (const swept of await Promise.allSettled(page.map((campaign) => sweepCampaign(campaign._id)))) {
        if (swept.status === "rejected") {
          failures.push(swept.reason);
          continue;
        }
        depth += swept.value.depth;
        finished += swept.value.finished;
      }
    }
    metrics.ledgerDepth.set(depth);
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
