import type { Restore } from "../campaign/restore.ts";
import type { Pool } from "../pool/pool.ts";
import type { Issuances } from "../record/issuances.ts";
import type { ClaimMetrics } from "../runtime/claim-metrics.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { NewerShape } from "../runtime/stored-shape.ts";
import type { Tracer } from "../runtime/tracer.ts";
import { CircuitOpen } from "./breaker.ts";
import type { ErasureMarks } from "./erasure-marks.ts";
import type { FairSlots } from "./fair-slots.ts";
import type { StoreBreakers } from "./store-breakers.ts";

/** The slots of each stage. */
export type StageSlots = Readonly<Record<"claims" | "commits" | "settles", FairSlots>>;

export type PipelineDeps = {
  pool: Pool;
  issuances: Issuances;
  restore: Restore;
  clock: Clock;
  logger: Logger;
  metrics: ClaimMetrics;
  claimBatchMax: number;
  queueMax: number;
  /** See WaitGateOptions. */
  waitTargetMs: number;
  commitsInFlightMax: number;
  commitDeadlineMs: number;
  breakers: StoreBreakers;
  marks: ErasureMarks;
  /** Shared by the pipelines of all campaigns. */
  slots: StageSlots;
  tracer?: Tracer;
  /**
   * By campaign, the highest generation in which this process got a code: a pool of a lower one must not
   * issue another.
   */
  leastGenerations: Map<string, number>;
  /** See BatchQueueOptions. */
  defer?: (callback: () => void) => void;
};

/** The dependencies of the stages of one campaign's pipeline. */
export type StageDeps = PipelineDeps & { readonly campaignId: string };

const logged = new WeakSet<object>();

/** Whether an error, or its cause, has been logged already: with its batch, or by a breaker that opened. */
export function wasLogged(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    logged.has(error) || error instanceof CircuitOpen || (error.cause !== undefined && wasLogged(error.cause))
  );
}

/**
 * Wraps the work on a batch so that a failure is logged once, not once a request; the callers get UNCERTAIN.
 */
export function loggingFailure<T, R>(
  { logger, campaignId }: Pick<StageDeps, "logger" | "campaignId">,
  what: string,
  run: (items: readonly T[]) => Promise<R[]>,
): (items: readonly T[]) => Promise<R[]> {
  return async (items) => {
    try {
      return await run(items);
    } catch (error) {
      // The breaker has logged it once; the scheduler and the sweeper log a newer campaign once.
      if (error instanceof CircuitOpen || error instanceof NewerShape) throw error;
      logger.warn(
        { campaign: campaignId, batch: items.length, err: error },
        `${what} failed: it may or may not have happened`,
      );
      if (error instanceof Error) logged.add(error);
      throw error;
    }
  };
}
