import type { Collection, Db } from "mongodb";
import type { EventEntry } from "./event-documents.ts";
import { insertInOrder } from "./unordered-insert.ts";

export type EventLog = ReturnType<typeof createEventLog>;

/** What counting needs of an entry. */
export type EntryOutline = Pick<EventEntry, "kind"> & {
  readonly head: Pick<EventEntry["head"], "revision" | "issued">;
};

const N_DIGITS = 9;

/**
 * The event logs of campaigns: insert-only. A writer reads the last entry and inserts the next one; the
 * number in its id decides which of two writers was first. Nothing else makes it correct.
 */
export function createEventLog(db: Db) {
  const collection: Collection<EventEntry> = db.collection("events");
  const ofCampaign = (campaignId: string) => ({ $gte: `${campaignId}/`, $lt: `${campaignId}0` });

  return {
    /**
     * Appends entries that follow each other, durably. False: another writer was first with one of them;
     * those before it are written. @throws any error after which the outcome is uncertain
     */
    async append(entries: readonly EventEntry[]): Promise<boolean> {
      return (await insertInOrder(db, collection.collectionName, entries)) === undefined;
    },

    /** The last entry; null: there is no log yet. */
    last: (campaignId: string): Promise<EventEntry | null> =>
      collection.findOne({ _id: ofCampaign(campaignId) }, { sort: { _id: -1 } }),

    /** These entries, without their contents: by id. */
    async outlines(ids: readonly string[]): Promise<Map<string, EntryOutline>> {
      const found = await collection
        .find<EntryOutline & { _id: string }>(
          { _id: { $in: [...ids] } },
          { projection: { kind: 1, "head.revision": 1, "head.issued": 1 } },
        )
        .toArray();
      return new Map(found.map(({ _id, ...outline }) => [_id, outline]));
    },

    /** Entries from number `n` on, in order, at most `limit`. */
    from: (campaignId: string, n: number, limit: number): Promise<EventEntry[]> =>
      collection
        .find({ _id: { ...ofCampaign(campaignId), $gte: entryId(campaignId, n) } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),
  };
}

export function entryId(campaignId: string, n: number): string {
  return `${campaignId}/${String(n).padStart(N_DIGITS, "0")}`;
}
