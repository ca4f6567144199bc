import type { Collection, Db } from "mongodb";
import { UNDERSTOOD, understood } from "../runtime/stored-shape.ts";
import { isRehearsalId } from "./campaign-id.ts";
import type { CampaignDoc, CouponDoc, HistoryDoc, IssuanceDoc, ProcessDoc } from "./documents.ts";
import type { PreflightDoc } from "./preflight-documents.ts";
import { stillExists } from "./still-exists.ts";

/**
 * The outcome of `mark`. `sinceMs`: how long ago the campaign was first marked, on MongoDB's clock.
 */
export type RemovalMark =
  | { readonly kind: "marked"; readonly sinceMs: number }
  /** A real campaign: nothing was changed. */
  | { readonly kind: "no-rehearsal" }
  | { readonly kind: "gone" };

export type Rehearsals = ReturnType<typeof createRehearsals>;

/** Documents removed at once: small, because claims of other campaigns wait for MongoDB meanwhile. */
const BATCH = 500;

/**
 * Removes rehearsals from MongoDB, and nothing else. First it sets a mark, which only a document with
 * `rehearsalOf` can get; from then on no query returns the campaign. Then it removes the documents that
 * belong to the campaign, and its own document last. A process that writes something for a rehearsal checks
 * afterwards whether it still exists (`stillExists`), and deletes what it wrote too late. So either the
 * removal finds the write, or the writer finds the mark.
 */
export function createRehearsals(db: Db) {
  const campaigns: Collection<CampaignDoc> = db.collection("campaigns");
  const coupons: Collection<CouponDoc> = db.collection("coupons");
  const issuances: Collection<IssuanceDoc> = db.collection("issuances");
  const history: Collection<HistoryDoc> = db.collection("history");
  const preflights: Collection<PreflightDoc> = db.collection("preflights");
  const processes: Collection<ProcessDoc> = db.collection("processes");

  const isThere = async (id: string) =>
    understood(await campaigns.findOne({ _id: id }, { projection: { shape: 1 } })) !== null;

  /** Removes up to `BATCH` documents of one index range; returns how many. */
  async function removeBatch<T extends { _id: string }>(
    collection: Collection<T>,
    filter: object,
    hint: string,
  ): Promise<number> {
    const found = await collection
      .find(filter as never, { projection: { _id: 1 }, hint, batchSize: BATCH })
      .limit(BATCH)
      .toArray();
    if (found.length === 0) return 0;
    const ids = found.map(({ _id }) => _id);
    const these = { ...filter, _id: { $in: ids } } as never;
    // Without the hint MongoDB may scan the whole campaign for each batch.
    return (await collection.deleteMany(these, { hint: "_id_" })).deletedCount;
  }

  return {
    /**
     * Marks a rehearsal; later calls return since when it is marked. One update checks it and marks it.
     * @throws NewerShape
     */
    async mark(id: string): Promise<RemovalMark> {
      if (!isRehearsalId(id)) return { kind: (await isThere(id)) ? "no-rehearsal" : "gone" };
      const marked = await campaigns.findOneAndUpdate(
        { _id: id, rehearsalOf: { $exists: true }, ...UNDERSTOOD },
        [
          {
            $set: {
              removing: { since: { $ifNull: ["$removing.since", "$$NOW"] }, lookedAt: "$$NOW" },
              expiresAt: { $min: ["$expiresAt", "$$NOW"] },
            },
          },
          // Fills, loads and changes of it end, and the same request id may create a new one.
          { $unset: ["lease", "changing", "outbox", "adding", "requestId"] },
        ],
        { returnDocument: "after", projection: { removing: 1 } },
      );
      if (marked?.removing !== undefined) {
        const { since, lookedAt } = marked.removing;
        return { kind: "marked", sinceMs: lookedAt.getTime() - since.getTime() };
      }
      return { kind: (await isThere(id)) ? "no-rehearsal" : "gone" };
    },

    /**
     * Removes some documents of a marked rehearsal; returns how many. 0: only its own document is left.
     */
    async removeSome(id: string): Promise<number> {
      assertRehearsal(id);
      // Issuances before coupons, so that no issuance is ever without its code.
      const issued = await removeBatch(issuances, { campaignId: id }, "in_issue_order");
      if (issued > 0) return issued;
      const made = await removeBatch(coupons, { campaignId: id }, "one_per_ordinal");
      if (made > 0) return made;
      const [told, looked, counted] = await Promise.all([
        history.deleteMany({ campaignId: id }),
        preflights.deleteMany({ _id: { $gte: `${id}/`, $lt: `${id}0` } }),
        processes.updateMany({ "campaigns.campaignId": id }, { $pull: { campaigns: { campaignId: id } } }),
        db.collection("attempts").deleteMany({ campaignId: id }),
      ]);
      return told.deletedCount + looked.deletedCount + counted.modifiedCount;
    },

    /** Removes the document of the rehearsal itself, as the last step. */
    async forget(id: string): Promise<void> {
      assertRehearsal(id);
      await campaigns.deleteOne({ _id: id, rehearsalOf: { $exists: true }, removing: { $exists: true } });
    },

    /** Rehearsals that have expired, or whose removal was begun and not finished; at most `limit`. */
    async due(limit: number): Promise<string[]> {
      const found = await campaigns
        .find(
          { expiresAt: { $exists: true }, $expr: { $lte: ["$expiresAt", "$$NOW"] }, ...UNDERSTOOD },
          { projection: { _id: 1 }, hint: "expiring" },
        )
        .limit(limit)
        .toArray();
      return found.map(({ _id }) => _id);
    },

    stands: (id: string): Promise<boolean> => stillExists(db, id),
  };
}

function assertRehearsal(id: string): void {
  if (!isRehearsalId(id)) throw new Error("only what is a rehearsal is ever removed");
}
