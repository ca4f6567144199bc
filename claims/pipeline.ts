import { claimOf, issuanceOf } from "../campaign/claim-record.ts";
import type { Restore } from "../campaign/restore.ts";
import type { Claim, ClaimAnswer, ClaimMode, Pool } from "../pool/pool.ts";
import type { InsertOutcome, Issuances } from "../record/issuances.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { type BatchQueue, createBatchQueue } from "./batch-queue.ts";
import { CircuitOpen } from "./breaker.ts";
import type { StoreBreakers } from "./store-breakers.ts";
import { isNoAnswer, isUnsent } from "./store-error.ts";

/** One request for a coupon of the lane's campaign. */
export type Ask = {
  readonly claimKey: string;
  readonly userId: string;
  /** See CampaignFacts. */
  readonly leastGeneration: number;
  /** The claim is not sent to Redis any more when this says so: the caller has gone or its deadline has passed. */
  readonly expired: () => boolean;
};

/**
 * A durable coupon; `again`: the code belonged to somebody else and the binding is gone, claim anew; `removed`: the campaign was a
 * rehearsal and is gone.
 */
export type Commit =
  | { readonly kind: "durable"; readonly held: Claim }
  | { readonly kind: "again" | "removed" };

export type LaneDeps = {
  pool: Pool;
  issuances: Issuances;
  restore: Restore;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  claimBatchMax: number;
  queueMax: number;
  commitsInFlightMax: number;
  commitDeadlineMs: number;
  breakers: StoreBreakers;
  /** By campaign, the highest generation in which this process was given a code: no pool of a lower one may give another. */
  leastGenerations: Map<string, number>;
  /** See BatchQueueOptions. */
  defer?: (callback: () => void) => void;
};

/** The way of a claim within one campaign: three queues, one direction. */
export type Lane = {
  claims: BatchQueue<Ask, ClaimAnswer | { readonly kind: "expired" }>;
  /** Makes a claim durable; resolves only after MongoDB has said so, and sees to it that the ledger entry goes. */
  commits: BatchQueue<Claim, Commit>;
  settles: BatchQueue<Claim, void>;
};

/** Claim batches under way at once: the second is on its way while Redis does the first. */
const CLAIMS_IN_FLIGHT_MAX = 2;
const COMMIT_BATCH_MAX = 1_000;
/** Ledger entries gather for so long before a call drops them, in ms: nobody waits for it, and each call costs Redis a disk write. */
const SETTLE_GATHER_MS = 10;
const SETTLE_ATTEMPTS_MAX = 40;
/** Between two of them, while the pool is being rebuilt, in ms. */
const SETTLE_AGAIN_MS = 50;

export function createLane(deps: LaneDeps, campaignId: string): Lane {
  const { pool, issuances, restore, clock, metrics, queueMax, breakers, leastGenerations } = deps;
  const redis = breakers.pool(campaignId);
  const defer = deps.defer === undefined ? {} : { defer: deps.defer };
  const logger = deps.logger.child({ room: "server" });

  /** Says once a batch, not once a request, what went wrong; the callers are told that it is uncertain. */
  const loudly = <T, R>(what: string, run: (items: readonly T[]) => Promise<R[]>) => {
    return async (items: readonly T[]): Promise<R[]> => {
      try {
        return await run(items);
      } catch (error) {
        // The breaker has said so once.
        if (error instanceof CircuitOpen) throw error;
        logger.warn(
          { campaign: campaignId, batch: items.length, err: error },
          `${what} failed: it may or may not have happened`,
        );
        throw error;
      }
    };
  };

  /** While nothing can be made durable, nothing is popped, but for one claim now and then that finds out. */
  async function claim(asks: readonly Ask[]): Promise<ClaimAnswer[]> {
    const least = asks.reduce(
      (most, ask) => Math.max(most, ask.leastGeneration),
      leastGenerations.get(campaignId) ?? 0,
    );
    const answers = await claimAsAdmitted(asks, least);
    // All coupons of one call are of one generation.
    for (const answer of answers) {
      if (answer.kind !== "claimed") continue;
      leastGenerations.set(campaignId, Math.max(least, answer.claim.generation));
      break;
    }
    return answers;
  }

  async function claimAsAdmitted(asks: readonly Ask[], least: number): Promise<ClaimAnswer[]> {
    const admission = breakers.commits.admit();
    if (admission !== "trial") return call(asks, admission === "go" ? "issue" : "recall", least);
    let isTried = false;
    try {
      const rest = asks.slice(1);
      const parts = await Promise.all([
        call(asks.slice(0, 1), "issue", least),
        rest.length === 0 ? [] : call(rest, "recall", least),
      ]);
      const answers = parts.flat();
      isTried = answers[0]?.kind === "claimed" || answers[0]?.kind === "pending";
      return answers;
    } finally {
      if (!isTried) breakers.commits.returnTrial();
    }
  }

  /** @throws CircuitOpen where the script was certainly not sent */
  async function call(asks: readonly Ask[], mode: ClaimMode, least: number): Promise<ClaimAnswer[]> {
    const end = redis.begin();
    try {
      const answers = await pool.claim(campaignId, clock.now(), asks, mode, least);
      end(true);
      return answers;
    } catch (error) {
      end(!isNoAnswer(error));
      if (isUnsent(error)) throw new CircuitOpen("Redis is not connected", { cause: error });
      throw error;
    }
  }

  /** One durable insert; the breaker hears how it went. */
  async function insert(batch: readonly Claim[]): Promise<InsertOutcome[]> {
    const end = breakers.commits.begin();
    const inserting = issuances.insert(batch.map(issuanceOf));
    try {
      const outcomes = await withDeadline(inserting, deps.commitDeadlineMs, "MongoDB insert", clock);
      end(true);
      return outcomes;
    } catch (error) {
      end(false);
      // It may come through after all, perhaps into a pool that was rebuilt without it: the settling tells that pool.
      void inserting
        .then((outcomes) => {
          end(true);
          settleDurable(batch, outcomes);
        })
        .catch(() => undefined);
      throw error;
    }
  }

  /** Nobody waits for the ledger; what cannot be dropped now, the sweeper drops. */
  function settleDurable(batch: readonly Claim[], outcomes: readonly InsertOutcome[]): void {
    batch.forEach((claim, i) => {
      const outcome = outcomes[i];
      if (outcome?.kind !== "durable") return;
      const held = claimOf(outcome.held);
      const isOurs = held.generation === claim.generation && held.seq === claim.seq;
      // The key had been given this very code before a rebuild, and that insert won: the pool must say so too, or it would replay
      // another place and instant than the record's.
      const settling = isOurs ? settles.push(claim) : pool.release(claim, false, held);
      void settling.catch(() => undefined);
    });
  }

  const claims = createBatchQueue<Ask, ClaimAnswer | { readonly kind: "expired" }>({
    maxBatch: deps.claimBatchMax,
    maxInFlight: CLAIMS_IN_FLIGHT_MAX,
    maxWaiting: queueMax,
    ...defer,
    run: loudly("claiming", async (asks) => {
      const live = asks.filter((ask) => !ask.expired());
      if (live.length === 0) return asks.map(() => ({ kind: "expired" }));
      if (redis.admit() === "refuse") throw new CircuitOpen("Redis does not answer");
      metrics.claimBatch.observe(live.length);
      const done = metrics.claimSeconds.startTimer();
      const answers = await claim(live);
      done();
      if (live.length === asks.length) return answers;
      const byAsk = new Map(live.map((ask, i) => [ask, answers[i]]));
      return asks.map((ask) => byAsk.get(ask) ?? { kind: "expired" });
    }),
  });

  const commits = createBatchQueue<Claim, Commit>({
    maxBatch: COMMIT_BATCH_MAX,
    maxInFlight: deps.commitsInFlightMax,
    maxWaiting: queueMax,
    ...defer,
    run: loudly("committing", async (batch) => {
      metrics.commitBatch.observe(batch.length);
      const done = metrics.commitSeconds.startTimer();
      const outcomes = await insert(batch);
      done();
      settleDurable(batch, outcomes);
      return Promise.all(
        batch.map(async (claim, i): Promise<Commit> => {
          const outcome = outcomes[i];
          if (outcome === undefined) throw new Error("an issuance came back without an outcome");
          if (outcome.kind === "removed") return { kind: "removed" };
          const held = claimOf(outcome.held);
          if (outcome.kind === "durable") return { kind: "durable", held };
          metrics.alarms.inc({ kind: outcome.kind });
          const free = outcome.kind === "key-taken" && outcome.codeFree;
          const undone = await pool.release(claim, free, held);
          logger.error(
            {
              campaign: campaignId,
              generation: claim.generation,
              seq: claim.seq,
              against: held.generation,
              undone,
            },
            outcome.kind === "key-taken"
              ? "the claim key held a coupon already: it is answered with that one, the popped code is handed back"
              : "the pool held a code that was issued before: the code is dropped, the request claims again",
          );
          return outcome.kind === "key-taken" ? { kind: "durable", held } : { kind: "again" };
        }),
      );
    }),
  });

  const settles = createBatchQueue<Claim, void>({
    maxBatch: COMMIT_BATCH_MAX,
    maxInFlight: 1,
    maxWaiting: queueMax,
    defer: (callback) => void clock.after(SETTLE_GATHER_MS, callback),
    lazy: true,
    run: loudly("dropping ledger entries", async (batch) => {
      // All of one generation, but for the moment after a rebuild.
      for (const generation of new Set(batch.map((claim) => claim.generation))) {
        await settle(
          generation,
          batch.filter((claim) => claim.generation === generation),
        );
      }
      return batch.map(() => undefined);
    }),
  });

  async function settle(generation: number, settled: readonly Claim[]): Promise<void> {
    const seqs = settled.map((claim) => claim.seq);
    for (let attempt = 0; attempt < SETTLE_ATTEMPTS_MAX; attempt++) {
      const outcome = await pool.settle(campaignId, generation, seqs);
      if (outcome === "settled") return;
      if (outcome === "stale") {
        // These became durable after the pool had been rebuilt without them.
        for (const claim of settled) await pool.adopt(claim);
        return;
      }
      const restored = await restore(campaignId);
      // A rehearsal that was removed: its ledger went with it.
      if (restored === "gone") return;
      if (restored !== "loaded") {
        await new Promise<void>((resolve) => void clock.after(SETTLE_AGAIN_MS, resolve));
      }
    }
    throw new Error("the pool did not come back; the sweeper and the comparison of the books will see to it");
  }

  return { claims, commits, settles };
}
