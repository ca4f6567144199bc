import { claimOf, issuanceOf } from "../campaign/claim-record.ts";
import type { Claim } from "../pool/answers.ts";
import type { InsertOutcome } from "../record/issuances.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { type BatchQueue, createBatchQueue } from "./batch-queue.ts";
import type { SettleStage } from "./settle-stage.ts";
import { loggingFailure, type StageDeps } from "./stage.ts";

/**
 * The outcome of a commit: a durable coupon; `again`: the code has an issuance of another claim key and the
 * binding was undone, so claim again; `removed`: the campaign was a rehearsal and has been removed.
 */
export type Commit =
  | { readonly kind: "durable"; readonly coupon: Claim }
  | { readonly kind: "again" | "removed" };

const COMMIT_BATCH_MAX = 1_000;

export type CommitStage = BatchQueue<Claim, Commit>;

/**
 * The second stage: makes claims durable in MongoDB, in bulks, and passes durable claims on to be settled.
 */
export function createCommitStage(deps: StageDeps, settles: SettleStage): CommitStage {
  const { pool, issuances, clock, logger, metrics, breakers, campaignId } = deps;

  /** One durable insert; its outcome is reported to the breaker. */
  async function insert(batch: readonly Claim[]): Promise<InsertOutcome[]> {
    const end = breakers.commits.begin();
    const inserting = issuances.insert(batch.map(issuanceOf));
    try {
      const outcomes = await withDeadline(inserting, deps.commitDeadlineMs, "MongoDB insert", clock);
      end(true);
      return outcomes;
    } catch (error) {
      end(false);
      // The insert may still become durable, perhaps after the pool was rebuilt without it: settling adds it
      // to that pool.
      void inserting
        .then((outcomes) => {
          end(true);
          settleDurable(batch, outcomes);
        })
        .catch(() => undefined);
      throw error;
    }
  }

  /** No caller waits for this. An entry that cannot be dropped now is dropped by the sweeper. */
  function settleDurable(batch: readonly Claim[], outcomes: readonly InsertOutcome[]): void {
    batch.forEach((claim, i) => {
      const outcome = outcomes[i];
      if (outcome?.kind !== "durable") return;
      const coupon = claimOf(outcome.issuance);
      const isOurs = coupon.generation === claim.generation && coupon.seq === claim.seq;
      // The key had claimed this same code before a rebuild, and that insert won. The pool must hold that
      // claim, or a replay would return another sequence number and instant than MongoDB has.
      const settling = isOurs ? settles.push(claim) : pool.release(claim, false, coupon);
      void settling.catch(() => undefined);
    });
  }

  return createBatchQueue({
    maxBatch: COMMIT_BATCH_MAX,
    maxInFlight: deps.commitsInFlightMax,
    maxWaiting: deps.queueMax,
    ...(deps.defer === undefined ? {} : { defer: deps.defer }),
    run: loggingFailure(deps, "committing", async (batch: readonly Claim[]) => {
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
          const coupon = claimOf(outcome.issuance);
          if (outcome.kind === "durable") return { kind: "durable", coupon };
          metrics.alarms.inc({ kind: outcome.kind });
          const free = outcome.kind === "key-taken" && outcome.codeFree;
          const undone = await pool.release(claim, free, coupon);
          logger.error(
            {
              campaign: campaignId,
              generation: claim.generation,
              seq: claim.seq,
              against: coupon.generation,
              undone,
            },
            outcome.kind === "key-taken"
              ? "the claim key held a coupon already: it is answered with that one, the popped code is handed back"
              : "the pool held a code that was issued before: the code is dropped, the request claims again",
          );
          return outcome.kind === "key-taken" ? { kind: "durable", coupon } : { kind: "again" };
        }),
      );
    }),
  });
}
