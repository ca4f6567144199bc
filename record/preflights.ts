import { type Collection, type Db, MongoServerError } from "mongodb";
import { standsStill } from "./rehearsals.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

/** A preflight that a scheduler made by itself, so long before a start. */
export type PreflightDoc = {
  /** `campaign/start in ms/ms before it`: one each, whoever of the schedulers comes first. */
  _id: string;
  campaignId: string;
  startsAt: Date;
  beforeMs: number;
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
  const idOf = (campaignId: string, startsAt: Date, beforeMs: number) =>
    `${campaignId}/${startsAt.getTime()}/${beforeMs}`;
  return {
    /** True: it is ours to make. False: another scheduler has it, or made it. */
    async take(campaignId: string, startsAt: Date, beforeMs: number, at: Date): Promise<boolean> {
      try {
        const _id = idOf(campaignId, startsAt, beforeMs);
        await collection.insertOne({ _id, campaignId, startsAt, beforeMs, at });
        if (await standsStill(db, campaignId)) return true;
        await collection.deleteOne({ _id });
        return false;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
        throw error;
      }
    },

    /** What came of it. */
    async finish(
      { campaignId, startsAt, beforeMs }: Pick<PreflightDoc, "campaignId" | "startsAt" | "beforeMs">,
      result: Required<Pick<PreflightDoc, "colour" | "lines">>,
    ): Promise<void> {
      await collection.updateOne({ _id: idOf(campaignId, startsAt, beforeMs) }, { $set: result });
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
