import { claimOf, issuanceOf } from "../campaign/claim-record.ts";
import type { Claim } from "../pool/answers.ts";
import type { InsertOutcome } from "../record/insert-outcome.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { inSpan, NO_TRACER, type Traced } from "../runtime/tracer.ts";
import { type BatchQueue, createBatchQueue } from "./batch-queue.ts";
import type { SettleStage } from "./settle-stage.ts";
import { loggingFailure, type StageDeps } from "./stage.ts";

/**
 * The outcome of a commit: a durable coupon; `again`: the code has an issuance of another claim key, or the
 * user's place has one of another request, and the binding was undone, so claim again; `removed`: the
 * campaign was a rehearsal and has been removed.
 */
export type Commit =
  | { readonly kind: "durable"; readonly coupon: Claim }
  | { readonly kind: "again" | "removed" };

const COMMIT_BATCH_MAX = 1_000;

export type CommitStage = BatchQueue<Claim & Traced, Commit>;

/** What is done about a claim that MongoDB refuses, by what stands against it. */
const REPAIRS = {
  "key-taken":
    "the claim key held a coupon already: it is answered with that one, the popped code is handed back",
  "code-taken": "the pool held a code that was issued before: the code is dropped, the request claims again",
  "place-taken":
    "the pool bound a place that another request of the user has: the code is handed back, the request claims again",
} as const;

/**
 * The second stage: makes claims durable in MongoDB, in bulks, and passes durable claims on to be settled.
 */
export function createCommitStage(deps: StageDeps, settles: SettleStage): CommitStage {
  const { pool, issuances, clock, logger, metrics, breakers, marks, campaignId, tracer = NO_TRACER } = deps;

  /**
   * One durable insert, repeated within its deadline where it met an election; its outcome is reported to the
   * breaker.
   */
  async function insert(batch: readonly Claim[]): Promise<InsertOutcome[]> {
    const pseudonyms = marks.demanded(campaignId);
    const end = breakers.commits.begin(campaignId);
    const repeating = {
      clock,
      withinMs: deps.commitDeadlineMs,
      onRepeat(error: Error) {
        metrics.insertsRepeated.inc();
        logger.info(
          { campaign: campaignId, batch: batch.length, err: error },
          "an insert is repeated: MongoDB has another primary, or its connection was lost",
        );
      },
    };
    const inserting = issuances.insert(
      batch.map(issuanceOf),
      repeating,
      pseudonyms === undefined
        ? undefined
        : batch.map((claim) => pseudonyms.inPlaceOf(campaignId, issuanceOf(claim))),
    );
    try {
      const outcomes = await withDeadline(inserting, deps.commitDeadlineMs, "MongoDB insert", clock);
      end();
      return outcomes;
    } catch (error) {
      end(error);
      // The insert may still become durable, perhaps after the pool was rebuilt without it: settling adds it
      // to that pool.
      void inserting
        .then((outcomes) => {
          end();
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
    slots: deps.slots.commits,
    ...(deps.defer === undefined ? {} : { defer: deps.defer }),
    run: loggingFailure(deps, "committing", async (batch: readonly (Claim & Traced)[]) => {
      metrics.commitBatch.observe(batch.length);
      const done = metrics.commitSeconds.startTimer();
      const span = tracer.isOn ? tracer.beginShared("commit batch", campaignId, batch) : undefined;
      const outcomes = await inSpan(span, () => insert(batch));
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
          const free = outcome.kind !== "code-taken" && outcome.codeFree;
          const undone = await pool.release(claim, free, coupon);
          logger.error(
            {
              campaign: campaignId,
              generation: claim.generation,
              seq: claim.seq,
              against: coupon.generation,
              undone,
            },
            REPAIRS[outcome.kind],
          );
          return outcome.kind === "key-taken" ? { kind: "durable", coupon } : { kind: "again" };
        }),
      );
    }),
  });
}
