import type { Inspection } from "../pool/answers.ts";
import { codesIn } from "./decide.ts";

/** How long after a rebuild an insert of the generation before may still come in: well above its deadline. */
const SETTLE_MS = 10_000;
const CAMPAIGNS_MAX = 10_000;

/**
 * When to compare a pool with MongoDB: once after each rebuild, when whatever was under way before it has
 * ended. A server that crashes between a late insert and telling the new pool leaves an issued code in it;
 * nothing else would notice before somebody pops that code.
 */
export type BooksWatch = {
  /** Whether this pool, as seen now, is due. Also remembers that it was seen. */
  due(campaignId: string, pool: Inspection, nowMs: number): boolean;
  /** This generation has been compared. */
  done(campaignId: string, generation: number): void;
};

export function createBooksWatch(): BooksWatch {
  const seen = new Map<string, { generation: number; sinceMs: number; compared: boolean }>();
  return {
    due(campaignId, pool, nowMs) {
      // The first load of a campaign has nothing before it.
      if (pool.status !== "ok" || pool.generation <= 1) return false;
      const last = seen.get(campaignId);
      if (last?.generation !== pool.generation) {
        if (seen.size >= CAMPAIGNS_MAX) seen.clear();
        seen.set(campaignId, { generation: pool.generation, sinceMs: nowMs, compared: false });
        return false;
      }
      return !last.compared && pool.ledger === 0 && nowMs - last.sinceMs >= SETTLE_MS;
    },
    done(campaignId, generation) {
      const last = seen.get(campaignId);
      if (last?.generation === generation) last.compared = true;
    },
  };
}

/** What a comparison says: `busy` when claims came in meanwhile, so that nothing can be said. */
export type BooksVerdict = "agree" | "differ" | "busy";

/** Compares the pool before and after MongoDB was counted with what MongoDB counted. */
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
    // Coupons that were added are on their way.
    after.total === total;
  if (!quiet) return "busy";
  return after.claims === issued && codesIn(after) + after.claims === total ? "agree" : "differ";
}
