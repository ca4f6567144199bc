import type { Collection, Db } from "mongodb";
import { isOver } from "./leases.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

/**
 * An erasure that is under way in one campaign. It holds no id: a process that goes on with it recognises the
 * users by their pseudonyms. Removed when it is done; the campaign's history keeps that it happened.
 */
export type ErasureDoc = {
  _id: string;
  campaignId: string;
  actor: string;
  /** The pseudonyms of the users' ids; absent: every user of the campaign. */
  users?: string[];
  /** The process that works on it, until an instant on MongoDB's clock. */
  lease?: { owner: string; until: Date };
};

export type Erasures = ReturnType<typeof createErasures>;

export function createErasures(db: Db) {
  const collection: Collection<ErasureDoc> = db.collection("erasures");
  const leaseOf = (owner: string, leaseMs: number) => ({
    owner,
    until: { $add: ["$$NOW", leaseMs] },
  });
  return {
    /** Begins an erasure under a lease. False: one of this id is under way. */
    async begin(doc: Omit<ErasureDoc, "lease">, owner: string, leaseMs: number): Promise<boolean> {
      try {
        const result = await collection.updateOne(
          { _id: doc._id, campaignId: { $exists: false } },
          [{ $replaceWith: { $mergeObjects: [{ $literal: doc }, { lease: leaseOf(owner, leaseMs) }] } }],
          { upsert: true },
        );
        return result.upsertedCount === 1;
      } catch (error) {
        if (Object(error).code === DUPLICATE_KEY) return false;
        throw error;
      }
    },

    /** Takes over an erasure whose process has not been heard of; null: there is none. */
    takeOver: (owner: string, leaseMs: number): Promise<ErasureDoc | null> =>
      collection.findOneAndUpdate(
        { $expr: isOver("$lease.until") },
        [{ $set: { lease: leaseOf(owner, leaseMs) } }],
        { returnDocument: "after" },
      ),

    /** Extends the lease. False: another process has taken the erasure over. */
    async keep(id: string, owner: string, leaseMs: number): Promise<boolean> {
      const result = await collection.updateOne({ _id: id, "lease.owner": owner }, [
        { $set: { "lease.until": { $add: ["$$NOW", leaseMs] } } },
      ]);
      return result.matchedCount === 1;
    },

    async done(id: string): Promise<void> {
      await collection.deleteOne({ _id: id });
    },
  };
}
