import { type Collection, type Db, MongoServerError } from "mongodb";
import { standsStill } from "./rehearsals.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

/** What a preflight was made for. */
export type PreflightTurn = {
  readonly campaignId: string;
  readonly startsAt: Date;
  /** So long before the start. */
  readonly beforeMs: number;
  /** Of the campaign: whatever is changed is looked at anew, also where the start comes back to what it was. */
  readonly revision: number;
};

/** A preflight that a scheduler made by itself. */
export type PreflightDoc = PreflightTurn & {
  /** `campaign/start in ms/ms before it/revision`: one each, whoever of the schedulers comes first. */
  _id: string;
  /** When it began, on the clock of the scheduler that made it. */
  at: Date;
  /** Absent: it is under way, or whoever made it died. */
  colour?: string;
  /** What was not green. */
  lines?: { check: string; colour: string; finding: string; advice: string }[];
};

export type Preflights = ReturnType<typeof createPreflights>;

export function createPreflights(db: Db) {
  const collection: Collection<PreflightDoc> = db.collection("preflights");
  return {
    /** True: it is ours to make. False: another scheduler has it, or made it. */
    async take(turn: PreflightTurn, at: Date): Promise<boolean> {
      try {
        const _id = preflightId(turn);
        await collection.insertOne({ _id, ...turn, at });
        if (await standsStill(db, turn.campaignId)) return true;
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
        // From "id/" to below "id0", the character after the slash: a range of the one index that there is anyway.
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
