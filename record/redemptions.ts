import { type Collection, type Db, MongoServerError } from "mongodb";
import { understood } from "../runtime/stored-shape.ts";
import type { CampaignDoc, IssuanceDoc } from "./documents.ts";
import type { RedemptionDoc } from "./redemption-documents.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

/** An issued code, and what is recorded of its redemption, at one instant of MongoDB's clock. */
export type SeenCoupon = {
  readonly issuance: IssuanceDoc;
  readonly campaign: CampaignDoc;
  /** undefined: nothing was recorded yet. */
  readonly redemption: RedemptionDoc | undefined;
  readonly now: Date;
};

export type Redemptions = ReturnType<typeof createRedemptions>;

/** An instant, or the expression of MongoDB's clock. */
export type NowExpression = Date | "$$NOW";

/** `nowOf`: the clock of every decision; tests give instants of their own. */
export function createRedemptions(db: Db, nowOf: () => NowExpression = () => "$$NOW") {
  const collection: Collection<RedemptionDoc> = db.collection("redemptions");

  return {
    /**
     * Reads what a majority has: an answer that is made of it alone cannot be rolled back. null: the code is
     * not issued.
     * @throws NewerShape where this program does not understand the campaign
     */
    async look(code: string): Promise<SeenCoupon | null> {
      type Found = {
        readonly issuance: IssuanceDoc;
        readonly campaigns: readonly CampaignDoc[];
        readonly redemptions: readonly RedemptionDoc[];
        readonly now: Date;
      };
      const [found] = await db
        .collection<IssuanceDoc>("issuances")
        .aggregate<Found>([
          { $match: { _id: code } },
          { $project: { _id: 0, issuance: "$$ROOT", now: nowOf() } },
          lookUp("campaigns", "issuance.campaignId"),
          lookUp("redemptions", "issuance._id"),
        ])
        .toArray();
      const campaign = understood(found?.campaigns[0] ?? null);
      if (found === undefined || campaign === null) return null;
      const { issuance, redemptions, now } = found;
      return { issuance, campaign, redemption: redemptions[0], now };
    },

    /**
     * Replaces the document of revision `expected` (undefined: there is none yet), unless MongoDB's clock has
     * reached `before`. Resolves once that is durable; false: another change came first, or it is too late,
     * and nothing was written.
     * @throws any error after which the outcome is uncertain: it may be written or not, also later
     */
    async write(doc: RedemptionDoc, expected: number | undefined, before?: Date): Promise<boolean> {
      const inTime = before === undefined ? true : { $lt: [nowOf(), { $literal: before }] };
      if (expected !== undefined) {
        const { matchedCount } = await collection.updateOne(
          { _id: doc._id, revision: expected, $expr: inTime },
          [{ $replaceWith: { $literal: doc } }],
        );
        return matchedCount === 1;
      }
      // A filter with $expr inserts nothing; where it is too late, an empty document does no harm.
      const empty: RedemptionDoc = { ...doc, revision: 0, uses: [], voided: false, voidChanges: [] };
      try {
        const written = await collection.findOneAndUpdate(
          { _id: doc._id, revision: -1 },
          [{ $replaceWith: { $cond: [inTime, { $literal: doc }, { $literal: empty }] } }],
          { upsert: true, returnDocument: "after" },
        );
        return written?.revision === doc.revision;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
        throw error;
      }
    },
  };
}

const lookUp = (from: string, localField: string) => ({
  $lookup: { from, localField, foreignField: "_id", as: from },
});
