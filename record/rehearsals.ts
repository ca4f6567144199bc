import type { Collection, Db } from "mongodb";
import { isRehearsalId } from "./campaign-id.ts";
import type {
  CampaignDoc,
  CouponDoc,
  HistoryDoc,
  IssuanceDoc,
  PreflightDoc,
  ProcessDoc,
} from "./documents.ts";
import { stillExists } from "./still-exists.ts";

/**
 * What became of the wish to remove a campaign. `sinceMs`: for how long nobody has found it any more, on
 * MongoDB's clock.
 */
export type RemovalMark =
  | { readonly kind: "marked"; readonly sinceMs: number }
  /** A campaign of its own: it stands as it did. */
  | { readonly kind: "no-rehearsal" }
  | { readonly kind: "gone" };

export type Rehearsals = ReturnType<typeof createRehearsals>;

/** Documents found and removed at once: some milliseconds of MongoDB, for which the claims of others wait. */
const BATCH = 500;

/**
 * Removes rehearsals from MongoDB, and nothing else: first the mark, which only a document that says
 * `rehearsalOf` can get and from which on nobody finds the campaign; then what belongs to it; its own
 * document last. Whoever writes something for a rehearsal looks afterwards whether it still stands
 * (`stillExists`), and takes back what came too late. So either the removal sees what was written, or the
 * writer sees the mark.
 */
export function createRehearsals(db: Db) {
  const campaigns: Collection<CampaignDoc> = db.collection("campaigns");
  const coupons: Collection<CouponDoc> = db.collection("coupons");
  const issuances: Collection<IssuanceDoc> = db.collection("issuances");
  const history: Collection<HistoryDoc> = db.collection("history");
  const preflights: Collection<PreflightDoc> = db.collection("preflights");
  const processes: Collection<ProcessDoc> = db.collection("processes");

  const isThere = async (id: string) =>
    (await campaigns.findOne({ _id: id }, { projection: { _id: 1 } })) !== null;

  /** Some of them by one index range; how many went. */
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
    // Left to itself MongoDB may go through the whole campaign for each batch.
    return (await collection.deleteMany(these, { hint: "_id_" })).deletedCount;
  }

  return {
    /** Marks it, once; asked again, says since when. One step looks at what it is and marks it. */
    async mark(id: string): Promise<RemovalMark> {
      if (!isRehearsalId(id)) return { kind: (await isThere(id)) ? "no-rehearsal" : "gone" };
      const marked = await campaigns.findOneAndUpdate(
        { _id: id, rehearsalOf: { $exists: true } },
        [
          {
            $set: {
              removing: { since: { $ifNull: ["$removing.since", "$$NOW"] }, lookedAt: "$$NOW" },
              expiresAt: { $min: ["$expiresAt", "$$NOW"] },
            },
          },
          // Nobody who fills, loads or changes it goes on, and the same request may ask for a new one.
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
     * Removes some of what belongs to a marked rehearsal; how many documents went, 0: nothing is left but its
     * own.
     */
    async removeSome(id: string): Promise<number> {
      assertRehearsal(id);
      // Who has one first: an issuance always finds its code.
      const issued = await removeBatch(issuances, { campaignId: id }, "in_issue_order");
      if (issued > 0) return issued;
      const made = await removeBatch(coupons, { campaignId: id }, "one_per_ordinal");
      if (made > 0) return made;
      const [told, looked, counted] = await Promise.all([
        history.deleteMany({ campaignId: id }),
        preflights.deleteMany({ _id: { $gte: `${id}/`, $lt: `${id}0` } }),
        processes.updateMany({ "campaigns.campaignId": id }, { $pull: { campaigns: { campaignId: id } } }),
      ]);
      return told.deletedCount + looked.deletedCount + counted.modifiedCount;
    },

    /** The document itself, in the end. */
    async forget(id: string): Promise<void> {
      assertRehearsal(id);
      await campaigns.deleteOne({ _id: id, rehearsalOf: { $exists: true }, removing: { $exists: true } });
    },

    /** Rehearsals whose time is over, or whose removal was begun and not finished; at most `limit`. */
    async due(limit: number): Promise<string[]> {
      const found = await campaigns
        .find(
          { expiresAt: { $exists: true }, $expr: { $lte: ["$expiresAt", "$$NOW"] } },
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
