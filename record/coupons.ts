import type { Collection, Db } from "mongodb";
import type { CouponDoc } from "./documents.ts";
import { RehearsalRemoved, stillExists } from "./still-exists.ts";
import { insertUnordered } from "./unordered-insert.ts";

export type Coupons = ReturnType<typeof createCoupons>;

export function createCoupons(db: Db) {
  const collection: Collection<CouponDoc> = db.collection("coupons");
  return {
    /**
     * Inserts coupons of one campaign, durably. Returns how many were refused because their code or their
     * ordinal exists already.
     * @throws RehearsalRemoved, or another error: each of them may then be durable or not
     */
    async insert(docs: CouponDoc[]): Promise<number> {
      const refused = await insertUnordered(db, collection.collectionName, docs);
      const [first] = docs;
      if (first === undefined || (await stillExists(db, first.campaignId))) return refused.length;
      const { campaignId } = first;
      const late = { _id: { $in: docs.map(({ _id }) => _id) }, campaignId };
      await collection.deleteMany(late, { hint: "_id_" });
      throw new RehearsalRemoved(`rehearsal ${campaignId} was removed while its codes were made`);
    },

    /** Which ordinals of [first, end) exist, ascending. Answered from the index alone. */
    async ordinals(campaignId: string, first: number, end: number): Promise<number[]> {
      const found = await collection
        .find(
          { campaignId, ordinal: { $gte: first, $lt: end } },
          {
            projection: { _id: 0, ordinal: 1 },
            sort: { ordinal: 1 },
            hint: "one_per_ordinal",
            batchSize: end - first,
          },
        )
        .toArray();
      return found.map((doc) => doc.ordinal);
    },

    /** The ordinals of these codes; a code that does not exist has none. */
    async ordinalsOf(codes: readonly string[]): Promise<Map<string, number>> {
      const found = await collection
        .find({ _id: { $in: [...codes] } }, { projection: { ordinal: 1 }, batchSize: codes.length + 1 })
        .toArray();
      return new Map(found.map(({ _id, ordinal }) => [_id, ordinal]));
    },

    /** The codes of ordinals [first, end), in that order. */
    async codes(campaignId: string, first: number, end: number): Promise<string[]> {
      const found = await collection
        .find(
          { campaignId, ordinal: { $gte: first, $lt: end } },
          { projection: { _id: 1 }, sort: { ordinal: 1 }, hint: "one_per_ordinal", batchSize: end - first },
        )
        .toArray();
      return found.map((doc) => doc._id);
    },
  };
}
