import type { Collection, Db } from "mongodb";
import type { DeadLetterDoc } from "./event-documents.ts";

export type DeadLetters = ReturnType<typeof createDeadLetters>;

/** Events that sinks did not take, until an operator replays or drops them. */
export function createDeadLetters(db: Db) {
  const collection: Collection<DeadLetterDoc> = db.collection("dead_letters");
  const chosen = (key: string, ids: readonly string[]) => ({
    key,
    ...(ids.length === 0 ? {} : { _id: { $in: [...ids] } }),
  });

  return {
    /** Idempotent: the same events are put aside once. */
    async add(letter: DeadLetterDoc): Promise<void> {
      const { _id, ...fields } = letter;
      await collection.updateOne({ _id }, { $setOnInsert: fields }, { upsert: true });
    },

    /** Of a sink (undefined: of all), oldest first, after an id, at most `limit`. */
    list: (key: string | undefined, after: string, limit: number): Promise<DeadLetterDoc[]> =>
      collection
        .find({ _id: { $gt: after }, ...(key === undefined ? {} : { key }) })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    count: (key: string): Promise<number> => collection.countDocuments({ key }),

    /** How many each sink has, by its key, and how many events are in them. */
    async counts(): Promise<Map<string, { readonly letters: number; readonly events: number }>> {
      const found = await collection
        .aggregate<{ _id: string; letters: number; events: number }>([
          { $group: { _id: "$key", letters: { $sum: 1 }, events: { $sum: "$events" } } },
        ])
        .toArray();
      return new Map(found.map(({ _id, letters, events }) => [_id, { letters, events }]));
    },

    /** Asks for the replay of some dead letters of a sink, empty: of all; returns how many there are. */
    async replay(key: string, ids: readonly string[]): Promise<number> {
      return (await collection.updateMany(chosen(key, ids), { $set: { replay: true } })).matchedCount;
    },

    toReplay: (key: string, limit: number): Promise<DeadLetterDoc[]> =>
      collection.find({ key, replay: true }).sort({ _id: 1 }).limit(limit).toArray(),

    /** Removes those of a sink that is removed; returns how many there were. */
    async removeOf(key: string): Promise<number> {
      return (await collection.deleteMany({ key })).deletedCount;
    },

    /** The replay has failed. */
    async keep(id: string, error: string): Promise<void> {
      await collection.updateOne(
        { _id: id },
        { $unset: { replay: 1 }, $set: { "failing.error": error }, $inc: { "failing.attempts": 1 } },
      );
    },

    /** Removes some dead letters of a sink, empty: all; returns how many there were. */
    async drop(key: string, ids: readonly string[]): Promise<number> {
      return (await collection.deleteMany(chosen(key, ids))).deletedCount;
    },
  };
}
