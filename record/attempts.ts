import { randomInt } from "node:crypto";
import type { AnyBulkWriteOperation, Collection, Db } from "mongodb";

/** What a caller asked and was answered; see claims/attempt-log.ts. */
export type AttemptDoc = {
  /** `campaign/generation-seq` of a winner's first answer; `campaign/r` and a slot of the ring otherwise. */
  _id: string;
  campaignId: string;
  /** The user id and the request id that were given. */
  who: string[];
  userId: string;
  requestId: string;
  /** When it was asked, on the server's clock. */
  at: Date;
  /** From the question to the answer. */
  tookMs: number;
  /** `host/pid` of the process that answered. */
  server: string;
  /** issued, replayed, or the reason of the refusal in small letters. */
  outcome: string;
};

/** `place`: of a coupon that was issued by this answer, `generation-seq`; undefined: any other answer. */
export type NewAttempt = Omit<AttemptDoc, "_id" | "who"> & { readonly place: string | undefined };

export type Attempts = ReturnType<typeof createAttempts>;

export function createAttempts(db: Db) {
  const collection: Collection<AttemptDoc> = db.collection("attempts");
  let next = randomInt(2 ** 31);
  const slot = (kept: number) => {
    next += 1;
    return next % kept;
  };
  return {
    /**
     * Not durable at once: a crash of MongoDB may lose the last of them. `kept`: slots of a campaign's ring.
     * A process takes one slot after the other, from a random one on: processes need not agree on the next.
     */
    async write(attempts: readonly NewAttempt[], kept: number): Promise<void> {
      const operations = attempts.map(({ place, ...rest }): AnyBulkWriteOperation<AttemptDoc> => {
        const { campaignId, userId, requestId } = rest;
        const entry = { ...rest, who: [userId, requestId].filter((id) => id !== "") };
        const filter = { _id: `${campaignId}/${place ?? `r${slot(kept)}`}` };
        // A winner's first answer stays.
        if (place !== undefined)
          return { updateOne: { filter, update: { $setOnInsert: entry }, upsert: true } };
        return { replaceOne: { filter, replacement: entry, upsert: true } };
      });
      await collection.bulkWrite(operations, { ordered: false, writeConcern: { w: 1, journal: false } });
    },

    /** Of a user id or a request id, oldest first, at most `limit`. */
    of: (campaignId: string, who: string, limit: number): Promise<AttemptDoc[]> =>
      collection.find({ campaignId, who }, { hint: "by_who" }).sort({ at: 1, _id: 1 }).limit(limit).toArray(),

    /** Removes those of these users; in all campaigns where none is given. False: there was none. */
    async forget(userIds: readonly string[], campaignId: string | undefined): Promise<boolean> {
      const within = campaignId === undefined ? {} : { campaignId };
      return (await collection.deleteMany({ who: { $in: [...userIds] }, ...within })).deletedCount > 0;
    },

    /** Removes all of a campaign. */
    async forgetCampaign(campaignId: string): Promise<void> {
      await collection.deleteMany({ campaignId });
    },
  };
}
