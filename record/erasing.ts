import type { Collection, Db } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";
import type { IssuePosition } from "./issue-ranges.ts";
import { isPseudonym, PSEUDONYM_MARK } from "./pseudonym.ts";

/** The ids of an issuance, and its place. */
export type Held = Pick<IssuanceDoc, "_id" | "claimKey" | "userId" | "place" | "generation" | "seq">;

/** What an erasure puts in the place of the ids of an issuance. `userId`: absent where it has none. */
export type Replacement = {
  readonly held: Held;
  readonly claimKey: string;
  readonly userId?: string | undefined;
};

export type Erasing = ReturnType<typeof createErasing>;

const HELD = { projection: { claimKey: 1, userId: 1, place: 1, generation: 1, seq: 1 } } as const;
/** Not the ids that begin with the mark: `PSEUDONYM_MARK` is one character, and this is the one after it. */
const AFTER_PSEUDONYMS = String.fromCharCode(PSEUDONYM_MARK.charCodeAt(0) + 1);

/** The one change that issuances ever see: ids of erased users are replaced. */
export function createErasing(db: Db) {
  const collection: Collection<IssuanceDoc> = db.collection("issuances");
  return {
    /** Issuances whose claim key is one of these, at most `limit`. */
    heldByKeys: (campaignId: string, claimKeys: readonly string[], limit: number): Promise<Held[]> =>
      collection
        .find<Held>({ campaignId, claimKey: { $in: [...claimKeys] } }, { ...HELD, hint: "one_per_claim_key" })
        .limit(limit)
        .toArray(),

    /** Issuances of one of these users, in a campaign whose claim keys are no user ids: reads all of it. */
    heldByUsers: (campaignId: string, userIds: readonly string[], limit: number): Promise<Held[]> =>
      collection
        .find<Held>({ campaignId, userId: { $in: [...userIds] } }, { ...HELD, hint: "in_issue_order" })
        .limit(limit)
        .toArray(),

    /** Issuances after a place, in issue order, at most `limit`; also those that have pseudonyms already. */
    after: (campaignId: string, place: IssuePosition | undefined, limit: number): Promise<Held[]> =>
      collection
        .find<Held>(
          {
            campaignId,
            ...(place === undefined
              ? {}
              : {
                  $or: [
                    { generation: place.generation, seq: { $gt: place.seq } },
                    { generation: { $gt: place.generation } },
                  ],
                }),
          },
          { ...HELD, hint: "in_issue_order" },
        )
        .sort({ generation: 1, seq: 1 })
        .limit(limit)
        .toArray(),

    /** Those of these codes whose issuance has a pseudonym for a claim key, with that issuance. */
    async erasedAmong(campaignId: string, codes: readonly string[]): Promise<Map<string, Held>> {
      const found = await collection.find<Held>({ _id: { $in: [...codes] }, campaignId }, HELD).toArray();
      return new Map(found.filter(({ claimKey }) => isPseudonym(claimKey)).map((doc) => [doc._id, doc]));
    },

    /** How many issuances of the campaign have ids that are no pseudonyms. */
    countHeld: (campaignId: string): Promise<number> =>
      collection.countDocuments(
        {
          campaignId,
          $or: [{ claimKey: { $gte: AFTER_PSEUDONYMS } }, { claimKey: { $lt: PSEUDONYM_MARK } }],
        },
        { hint: "one_per_claim_key" },
      ),

    /**
     * Replaces ids, durably, each only where the issuance still has them. Returns how many it replaced: a
     * repeated call finds them done.
     */
    async replace(campaignId: string, replacements: readonly Replacement[]): Promise<number> {
      if (replacements.length === 0) return 0;
      const result = await collection.bulkWrite(
        replacements.map(({ held, claimKey, userId }) => ({
          updateOne: {
            filter: { _id: held._id, campaignId, claimKey: held.claimKey },
            update: { $set: { claimKey, ...(userId === undefined ? {} : { userId }) } },
          },
        })),
        { ordered: false },
      );
      return result.modifiedCount;
    },
  };
}
