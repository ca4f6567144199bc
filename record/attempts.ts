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

export type Asker = Pick<AttemptDoc, "_id" | "who">;

/** No `_id` of a campaign's entries is as high. */
const AFTER_SLASH = String.fromCharCode("/".charCodeAt(0) + 1);

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

    /**
     * Of a user in these spellings, of a request id, or of both, oldest first, at most `limit`; an empty one
     * is not asked for. A request id that somebody makes of a user id is none of that user's.
     */
    of(
      campaignId: string,
      users: readonly string[],
      requestId: string,
      limit: number,
    ): Promise<AttemptDoc[]> {
      const filter = {
        campaignId,
        ...(users.length > 0
          ? { who: { $in: [...users] }, userId: { $in: [...users] } }
          : { who: requestId }),
        ...(requestId === "" ? {} : { requestId }),
      };
      return collection.find(filter, { hint: "by_who" }).sort({ at: 1, _id: 1 }).limit(limit).toArray();
    },

    /** Removes those of these users; in all campaigns where none is given. False: there was none. */
    async forget(userIds: readonly string[], campaignId: string | undefined): Promise<boolean> {
      const within = campaignId === undefined ? {} : { campaignId };
      return (await collection.deleteMany({ who: { $in: [...userIds] }, ...within })).deletedCount > 0;
    },

    /** Who asked of a campaign, in the order of the entries' ids, after one of them, at most `limit`. */
    askers: (campaignId: string, after: string, limit: number): Promise<Asker[]> =>
      collection
        .find<Asker>(
          { _id: { $gt: after === "" ? `${campaignId}/` : after, $lt: `${campaignId}${AFTER_SLASH}` } },
          { projection: { who: 1 }, hint: { _id: 1 } },
        )
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** Removes these entries, each only where it is still of the same asker. */
    async remove(askers: readonly Asker[]): Promise<void> {
      if (askers.length === 0) return;
      const operations = askers.map(({ _id, who }) => ({ deleteOne: { filter: { _id, who } } }));
      await collection.bulkWrite(operations, { ordered: false });
    },

    /** Removes all of a campaign. False: there was none. */
    async forgetCampaign(campaignId: string): Promise<boolean> {
      return (await collection.deleteMany({ campaignId })).deletedCount > 0;
    },
  };
}
