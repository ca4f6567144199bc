import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { type LoadDeps, type LoadOutcome, loadPool } from "./load.ts";

/** Brings the pool of a campaign back; any number of callers in this process share one attempt. */
export type Restore = (campaignId: string) => Promise<LoadOutcome>;

export type RestoreDeps = LoadDeps & { logger: Logger; metrics: Metrics };

export function createRestore(deps: RestoreDeps): Restore {
  const { logger, metrics, clock } = deps;
  const underWay = new Map<string, Promise<LoadOutcome>>();

  async function attempt(campaignId: string): Promise<LoadOutcome> {
    const startedAtMs = clock.now();
    const outcome = await loadPool(deps, campaignId).catch((error: unknown) => {
      logger.warn(
        { room: "generator", campaign: campaignId, err: error },
        "loading the pool failed; it is tried again",
      );
      metrics.rebuilds.inc({ outcome: "failed" });
      throw error;
    });
    if (outcome === "loaded") {
      const tookMs = clock.now() - startedAtMs;
      logger.info({ room: "generator", campaign: campaignId, tookMs }, "pool loaded from MongoDB");
    }
    metrics.rebuilds.inc({ outcome });
    return outcome;
  }

  return (campaignId) => {
    const running = underWay.get(campaignId);
    if (running !== undefined) return running;
    const started = attempt(campaignId).finally(() => underWay.delete(campaignId));
    underWay.set(campaignId, started);
    return started;
  };
}
