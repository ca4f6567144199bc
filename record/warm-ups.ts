import type { Collection, Db } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";
import { ISSUANCE_INDEXES } from "./issuance-indexes.ts";
import { createIssuances, type Issuances } from "./issuances.ts";

/** A warm-up that has begun and whose traces may not be removed yet. */
export type WarmUpDoc = {
  /** The id of its shadow. */
  _id: string;
  /** The campaign that is about to open. */
  campaignId: string;
  /** On the clock of MongoDB. */
  begunAt: Date;
};

/** The issuances of shadows: no reader of issuances knows this collection. */
const SHADOWS = "warm_up_issuances";

export type WarmUps = ReturnType<typeof createWarmUps>;

/**
 * The traces of warm-ups in MongoDB. A warm-up is on record before it writes anything else, to either store,
 * and until all of it is removed; so what a crashed process left is found.
 */
export function createWarmUps(db: Db) {
  const collection: Collection<WarmUpDoc> = db.collection("warm_ups");
  const shadows: Collection<IssuanceDoc> = db.collection(SHADOWS);
  const issuances: Issuances = createIssuances(db, SHADOWS);

  return {
    /** Those of the shadows alone. */
    issuances,

    /** Records a warm-up, and makes the indexes of real issuances for its own ones. */
    async begin(shadowId: string, campaignId: string): Promise<void> {
      await shadows.createIndexes([...ISSUANCE_INDEXES]);
      await collection.updateOne({ _id: shadowId }, [{ $set: { campaignId, begunAt: "$$NOW" } }], {
        upsert: true,
      });
    },

    /** Removes the issuances of a shadow, then its record. Its pool must have been removed before. */
    async end(shadowId: string): Promise<void> {
      await shadows.deleteMany({ campaignId: shadowId });
      await collection.deleteOne({ _id: shadowId });
    },

    /** Warm-ups that began at least so long ago and were not ended; at most `limit`. */
    abandoned: (leastAgeMs: number, limit: number): Promise<WarmUpDoc[]> =>
      collection
        .find({ $expr: { $lte: ["$begunAt", { $subtract: ["$$NOW", leastAgeMs] }] } })
        .limit(limit)
        .toArray(),
  };
}
