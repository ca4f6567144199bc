import type { Collection, Db } from "mongodb";
import type { FeedOrderDoc } from "./event-documents.ts";
import { insertInOrder } from "./unordered-insert.ts";

export type FeedOrder = ReturnType<typeof createFeedOrder>;

/** A part of a campaign's event log: entries from one number to another, both included. */
export type LogPart = Pick<FeedOrderDoc, "campaignId" | "from" | "to">;

/**
 * The order of the event logs of all campaigns among each other: insert-only, and as a log itself without a
 * gap. A writer reads the last number and the last part of each campaign; two unique keys decide which of two
 * writers was first.
 */
export function createFeedOrder(db: Db) {
  const collection: Collection<FeedOrderDoc> = db.collection("feed_order");

  async function lastNumber(): Promise<number> {
    const last = await collection.findOne({}, { sort: { _id: -1 }, projection: { _id: 1 } });
    return last?._id ?? 0;
  }

  return {
    /** Appends parts, durably. False: another writer was first with one; those before it are written. */
    async append(parts: readonly LogPart[]): Promise<boolean> {
      const last = await lastNumber();
      const docs = parts.map(({ campaignId, from, to }, i) => ({ _id: last + 1 + i, campaignId, from, to }));
      return (await insertInOrder(db, collection.collectionName, docs)) === undefined;
    },

    /** The last number; 0: there is none. */
    last: lastNumber,

    /** The number of the last entry of a campaign's log that is in the order; 0: none is. */
    async lastOf(campaignId: string): Promise<number> {
      const last = await collection.findOne({ campaignId }, { sort: { from: -1 }, projection: { to: 1 } });
      return last?.to ?? 0;
    },

    /** From a number on, in order, at most `limit`. */
    from: (number: number, limit: number): Promise<FeedOrderDoc[]> =>
      collection
        .find({ _id: { $gte: number } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** MongoDB's clock; undefined: there is no campaign, and so there are no events. */
    async now(): Promise<Date | undefined> {
      const campaigns = db.collection("campaigns");
      const read = [{ $limit: 1 }, { $project: { _id: 0, now: "$$NOW" } }];
      const [found] = await campaigns.aggregate<{ now: Date }>(read).toArray();
      return found?.now;
    },
  };
}
