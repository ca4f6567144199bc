import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { createSingleFlight } from "../runtime/single-flight.ts";
import { inSpan, NO_TRACER, type Tracer } from "../runtime/tracer.ts";
import { LeaseLost } from "./lease.ts";
import { type LoadDeps, type LoadOutcome, loadPool } from "./load.ts";
import { createRestorePauses } from "./restore-pauses.ts";

/**
 * Rebuilds the pool of a campaign. All callers in this process share one attempt. After failed attempts it
 * pauses before each further one, and returns `busy` during the pause.
 */
export type Restore = (campaignId: string) => Promise<LoadOutcome>;

export type RestoreDeps = LoadDeps & { logger: Logger; metrics: Metrics; tracer?: Tracer };

/** The process that has the lease now loads the pool. */
function busyWhereLost(error: unknown): LoadOutcome {
  if (error instanceof LeaseLost) return "busy";
  throw error;
}

export function createRestore(deps: RestoreDeps): Restore {
  const { logger, metrics, clock, tracer = NO_TRACER } = deps;
  const pauses = createRestorePauses(clock, deps.owner);
  const attempts = createSingleFlight<LoadOutcome>();

  async function attempt(campaignId: string): Promise<LoadOutcome> {
    const startedAtMs = clock.now();
    let raised = false;
    const onRaised = () => {
      raised = true;
    };
    const span = tracer.beginRare("load", campaignId);
    const loading = inSpan(
      span,
      () => loadPool(deps, campaignId, onRaised).catch(busyWhereLost),
      (outcome) => ({ outcome }),
    );
    const outcome = await loading.catch((error: unknown) => {
      pauses.attempted(campaignId, raised);
      logger.warn(
        { component: "campaign", campaign: campaignId, err: error },
        "loading the pool failed; it is tried again",
      );
      metrics.rebuilds.inc({ outcome: "failed" });
      throw error;
    });
    if (outcome === "loaded" || outcome === "again") pauses.attempted(campaignId, raised);
    if (outcome === "loaded") {
      const tookMs = clock.now() - startedAtMs;
      logger.info({ component: "campaign", campaign: campaignId, tookMs }, "pool loaded from MongoDB");
    }
    metrics.rebuilds.inc({ outcome });
    return outcome;
  }

  return (campaignId) => {
    const underWay = attempts.underWay(campaignId);
    if (underWay !== undefined) return underWay;
    if (pauses.leftMs(campaignId) > 0) return Promise.resolve("busy");
    return attempts.run(campaignId, () => attempt(campaignId));
  };
}
