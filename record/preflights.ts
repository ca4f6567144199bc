import { type Collection, type Db, MongoServerError } from "mongodb";
import type { PreflightDoc, PreflightTurn } from "./preflight-documents.ts";
import { stillExists } from "./still-exists.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type Preflights = ReturnType<typeof createPreflights>;

export function createPreflights(db: Db) {
  const collection: Collection<PreflightDoc> = db.collection("preflights");
  return {
    /** True: this process is to make it. False: another scheduler has it, or the rehearsal is gone. */
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

    /** Records the result. */
    async finish(
      turn: PreflightTurn,
      result: Required<Pick<PreflightDoc, "colour" | "lines">>,
    ): Promise<void> {
      await collection.updateOne({ _id: preflightId(turn) }, { $set: result });
    },

    /** The preflight failed: the next scheduler may try. */
    async giveBack(turn: PreflightTurn): Promise<void> {
      await collection.deleteOne({ _id: preflightId(turn), colour: { $exists: false } });
    },

    /** The preflights of a campaign, newest first. */
    latest: (campaignId: string, limit: number): Promise<PreflightDoc[]> =>
      collection
        // From "id/" to below "id0" ("0" follows "/"): a range of the index of `_id`, so no other index is
        // needed.
        .find({ _id: { $gte: `${campaignId}/`, $lt: `${campaignId}0` } })
        .sort({ at: -1 })
        .limit(limit)
        .toArray(),
  };
}

/** The id of a preflight: the same in every scheduler. */
export function preflightId({ campaignId, startsAt, beforeMs, revision }: PreflightTurn): string {
  return `${campaignId}/${startsAt.getTime()}/${beforeMs}/${revision}`;
}
