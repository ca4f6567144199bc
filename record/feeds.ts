import { type Collection, type Db, MongoServerError } from "mongodb";
import type { FeedDoc } from "./event-documents.ts";
import { isOver } from "./leases.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type Feeds = ReturnType<typeof createFeeds>;

/** Who writes the event log of a campaign now, and which logs are complete. */
export function createFeeds(db: Db) {
  const collection: Collection<FeedDoc> = db.collection("feeds");
  return {
    /** Takes or renews the lease of a campaign's log; false: another process has it. */
    async takeLease(campaignId: string, owner: string, leaseMs: number): Promise<boolean> {
      const isFree = { $or: [isOver("$lease.until"), { $eq: ["$lease.owner", owner] }] };
      const lease = { owner, until: { $add: ["$$NOW", leaseMs] } };
      try {
        const feed = await collection.findOneAndUpdate(
          { _id: campaignId },
          [{ $set: { lease: { $cond: [isFree, lease, "$lease"] } } }],
          { upsert: true, returnDocument: "after", projection: { lease: 1 } },
        );
        return feed?.lease?.owner === owner;
      } catch (error) {
        // Two processes made the document at the same time.
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
        throw error;
      }
    },

    async dropLease(campaignId: string, owner: string): Promise<void> {
      await collection.updateOne({ _id: campaignId, "lease.owner": owner }, { $unset: { lease: 1 } });
    },

    /**
     * Records that a log is complete, and that its issuances were counted now. They are counted again when as
     * much time has passed as since it first was, and at least `leastMs`; never after `mostMs`.
     */
    async recordComplete(
      campaignId: string,
      complete: { readonly revision: number; readonly issued: number },
      { leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number },
    ): Promise<void> {
      const isSame = { $eq: ["$complete.revision", complete.revision] };
      const ageMs = { $subtract: ["$$NOW", "$complete.since"] };
      await collection.updateOne(
        { _id: campaignId },
        [
          { $set: { complete: { ...complete, since: { $cond: [isSame, "$complete.since", "$$NOW"] } } } },
          {
            $set: {
              checkAt: {
                $cond: [
                  { $gt: [ageMs, mostMs] },
                  "$$REMOVE",
                  { $add: ["$$NOW", { $max: [ageMs, leastMs] }] },
                ],
              },
            },
          },
        ],
        { upsert: true },
      );
    },

    find: (campaignId: string): Promise<FeedDoc | null> => collection.findOne({ _id: campaignId }),

    /** Complete logs whose issuances are counted again from time to time, at most `limit`. */
    async checked(limit: number): Promise<string[]> {
      const options = { projection: { _id: 1 }, hint: "checks" } as const;
      const found = collection.find({ checkAt: { $exists: true } }, options);
      return (await found.limit(limit).toArray()).map(({ _id }) => _id);
    },

    /** Complete logs whose issuances are to be counted once more, at most `limit`. */
    async checksDue(limit: number): Promise<string[]> {
      const due = { checkAt: { $exists: true }, $expr: { $lte: ["$checkAt", "$$NOW"] } };
      const options = { projection: { _id: 1 }, hint: "checks" } as const;
      return (await collection.find(due, options).limit(limit).toArray()).map(({ _id }) => _id);
    },
  };
}
