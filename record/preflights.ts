import { type Collection, type Db, MongoServerError } from "mongodb";
import type { PreflightDoc, PreflightTurn } from "./documents.ts";
import { stillExists } from "./still-exists.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type Preflights = ReturnType<typeof createPreflights>;

export function createPreflights(db: Db) {
  const collection: Collection<PreflightDoc> = db.collection("preflights");
  return {
    /** True: it is ours to make. False: another scheduler has it, or made it. */
    async take(turn: PreflightTurn, at: Date): Promise<boolean> {
      try {
        const _id = preflightId(turn);
        await collection.insertOne({ _id, ...turn, at });
        if (await stillExists(db, turn.campaignId)) return true;
        await collection.deleteOne({ _id });
        return false;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
        throw error;
      }
    },

    /** What came of it. */
    async finish(
      turn: PreflightTurn,
      result: Required<Pick<PreflightDoc, "colour" | "lines">>,
    ): Promise<void> {
      await collection.updateOne({ _id: preflightId(turn) }, { $set: result });
    },

    /** It could not be made: whoever comes next may try. */
    async giveBack(turn: PreflightTurn): Promise<void> {
      await collection.deleteOne({ _id: preflightId(turn), colour: { $exists: false } });
    },

    /** Those of a campaign, the last one first. */
    latest: (campaignId: string, limit: number): Promise<PreflightDoc[]> =>
      collection
        // From "id/" to below "id0", the character after the slash: a range of the one index that there is
        // anyway.
        .find({ _id: { $gte: `${campaignId}/`, $lt: `${campaignId}0` } })
        .sort({ at: -1 })
        .limit(limit)
        .toArray(),
  };
}

/** The name of a turn: the same for all who want to make it. */
export function preflightId({ campaignId, startsAt, beforeMs, revision }: PreflightTurn): string {
  return `${campaignId}/${startsAt.getTime()}/${beforeMs}/${revision}`;
}
