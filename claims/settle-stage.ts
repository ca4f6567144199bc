import type { Claim } from "../pool/answers.ts";
import { sleep } from "../runtime/clock.ts";
import { type BatchQueue, createBatchQueue } from "./batch-queue.ts";
import { loggingFailure, type StageDeps } from "./stage.ts";

const SETTLE_BATCH_MAX = 1_000;
/**
 * Ledger entries gather for so long before a call drops them, in ms: no caller waits for it, and each call
 * costs Redis a disk write.
 */
const SETTLE_GATHER_MS = 10;
const SETTLE_ATTEMPTS_MAX = 40;
/** The pause between two attempts while the pool is being rebuilt, in ms. */
const SETTLE_AGAIN_MS = 50;

export type SettleStage = BatchQueue<Claim, void>;

/**
 * The last stage: drops the ledger entries of durable claims, and adds a claim to a pool that was rebuilt
 * without it.
 */
export function createSettleStage(deps: StageDeps): SettleStage {
  const { pool, restore, clock, marks, campaignId } = deps;

  async function settle(generation: number, settled: readonly Claim[]): Promise<void> {
    const seqs = settled.map((claim) => claim.seq);
    for (let attempt = 0; attempt < SETTLE_ATTEMPTS_MAX; attempt++) {
      const outcome = await pool.settle(campaignId, generation, seqs);
      if (outcome === "settled") return;
      if (outcome === "stale") {
        // These became durable after the pool had been rebuilt without them.
        for (const claim of settled)
          await pool.adopt(claim, marks.demanded(campaignId)?.inPlaceOf(campaignId, claim));
        return;
      }
      const restored = await restore(campaignId);
      // A rehearsal that was removed: its ledger was removed with it.
      if (restored === "gone") return;
      if (restored !== "loaded") {
        await sleep(clock, SETTLE_AGAIN_MS);
      }
    }
    throw new Error("the pool did not come back; the sweeper and the comparison of the books will see to it");
  }

  return createBatchQueue({
    maxBatch: SETTLE_BATCH_MAX,
    maxInFlight: 1,
    maxWaiting: deps.queueMax,
    slots: deps.slots.settles,
    defer: (callback) => void clock.after(SETTLE_GATHER_MS, callback),
    lazy: true,
    run: loggingFailure(deps, "dropping ledger entries", async (batch: readonly Claim[]) => {
      // The claims are of one generation, except right after a rebuild.
      for (const generation of new Set(batch.map((claim) => claim.generation))) {
        await settle(
          generation,
          batch.filter((claim) => claim.generation === generation),
        );
      }
      return batch.map(() => undefined);
    }),
  });
}
