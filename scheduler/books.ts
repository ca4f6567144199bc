import { codesIn } from "../campaign/campaign-reading.ts";
import type { Inspection } from "../pool/answers.ts";

const CAMPAIGNS_MAX = 10_000;

/**
 * When to compare a pool with MongoDB: once after each rebuild, when all inserts from before it have ended. A
 * server that crashes after a late insert, before adopt.lua, leaves an issued code in the new pool; without
 * this comparison it is found only when a claim pops that code.
 */
export type BooksWatch = {
  /** Whether this pool must be compared now. Also records that it was seen. */
  due(campaignId: string, pool: Inspection, nowMs: number): boolean;
  /** This generation has been compared. */
  done(campaignId: string, generation: number): void;
};

/** `settleMs`: how long after a rebuild an insert of the earlier generation may still become durable. */
export function createBooksWatch(settleMs: number): BooksWatch {
  const seen = new Map<string, { generation: number; sinceMs: number; compared: boolean }>();
  return {
    due(campaignId, pool, nowMs) {
      // Before the first load of a campaign there were no inserts.
      if (pool.status !== "ok" || pool.generation <= 1) return false;
      const last = seen.get(campaignId);
      if (last?.generation !== pool.generation) {
        if (seen.size >= CAMPAIGNS_MAX) seen.clear();
        seen.set(campaignId, { generation: pool.generation, sinceMs: nowMs, compared: false });
        return false;
      }
      return !last.compared && pool.ledger === 0 && nowMs - last.sinceMs >= settleMs;
    },
    done(campaignId, generation) {
      const last = seen.get(campaignId);
      if (last?.generation === generation) last.compared = true;
    },
  };
}

/** The outcome of a comparison; `busy`: claims came in meanwhile, so there is no verdict. */
export type BooksVerdict = "agree" | "differ" | "busy";

/** Compares the count of issuances in MongoDB with the pool as read before and after the count. */
export function compareBooks(
  total: number,
  issued: number,
  before: Inspection,
  after: Inspection,
): BooksVerdict {
  const quiet =
    after.status === "ok" &&
    after.generation === before.generation &&
    before.ledger === 0 &&
    after.ledger === 0 &&
    after.claims === before.claims &&
    // Otherwise added coupons are not in the pool yet.
    after.total === total;
  if (!quiet) return "busy";
  return after.claims === issued && codesIn(after) + after.claims === total ? "agree" : "differ";
}
