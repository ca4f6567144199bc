import { type Collection, type Db, type Filter, MongoServerError } from "mongodb";
import type { CodeFaultDoc, CodeImportDoc, ImportedCodes } from "./code-import-documents.ts";
import type { CouponDoc } from "./documents.ts";
import { DUPLICATE_KEY, insertUnordered } from "./unordered-insert.ts";

export type CodeImports = ReturnType<typeof createCodeImports>;

/** Where a code of an import that was refused already is. */
export type Standing = Pick<CouponDoc, "campaignId" | "ordinal">;

const ROW_DIGITS = 7;
/** Coupons removed at once, and at most in one call. */
const REMOVED_AT_ONCE = 2_000;
const REMOVED_MAX = 20_000;
/** How often a coupon is inserted that was refused, and then nothing stood against. */
const INSERTS_MAX = 5;

/**
 * Imports of codes. Their codes are coupons at once, with the id of the import as that of the campaign: so
 * one unique index finds duplicates and clashes, whoever imports or makes codes meanwhile, and the campaign
 * that is made of the import has them without a copy.
 */
export function createCodeImports(db: Db) {
  const imports: Collection<CodeImportDoc> = db.collection("code_imports");
  const faults: Collection<CodeFaultDoc> = db.collection("code_faults");
  const coupons: Collection<CouponDoc> = db.collection("coupons");

  const faultsFrom = (id: string, row: number) => ({
    _id: { $gte: faultId(id, row), $lt: `${id}/:` },
  });

  return {
    /** Inserts it, or returns the one with the same key. */
    async begin(doc: CodeImportDoc): Promise<CodeImportDoc> {
      try {
        await imports.insertOne(doc);
        return doc;
      } catch (error) {
        if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
        // A command that begins again goes on with it.
        const earlier = await imports.findOneAndUpdate({ key: doc.key ?? "" }, TOUCHED, {
          returnDocument: "after",
        });
        if (earlier === null) throw error;
        return earlier;
      }
    },

    find: (id: string): Promise<CodeImportDoc | null> => imports.findOne({ _id: id }),

    /**
     * Inserts coupons of the import; of those that exist already: where they are. undefined: the row has
     * another code.
     */
    async insert(docs: readonly CouponDoc[]): Promise<Map<CouponDoc, Standing | undefined>> {
      const found = new Map<CouponDoc, Standing | undefined>();
      let left = docs;
      for (let tries = 1; left.length > 0; tries += 1) {
        const refused = new Set(await insertUnordered(db, coupons.collectionName, left));
        const against = left.filter((_, index) => refused.has(index));
        const standing = await coupons.find({ _id: { $in: against.map(({ _id }) => _id) } }).toArray();
        const byCode = new Map(standing.map((doc) => [doc._id, doc]));
        // What was in the way may have been removed since, with the import that it was of.
        left = tries === INSERTS_MAX ? [] : against.filter(({ _id }) => !byCode.has(_id));
        const again = new Set(left);
        for (const doc of against) if (!again.has(doc)) found.set(doc, byCode.get(doc._id));
      }
      return found;
    },

    async insertFaults(id: string, found: readonly Omit<CodeFaultDoc, "_id">[]): Promise<void> {
      if (found.length === 0) return;
      const docs = found.map((fault) => ({ _id: faultId(id, fault.row), ...fault }));
      await insertUnordered(db, faults.collectionName, docs);
    },

    /**
     * Counts rows [first, end) as taken, if those before them are, and notes what their codes are like. Null:
     * the import takes none.
     */
    taken: (id: string, first: number, end: number, codes: ImportedCodes): Promise<CodeImportDoc | null> =>
      imports.findOneAndUpdate(
        { _id: id, state: "open" },
        [
          {
            $set: {
              rows: { $cond: [{ $gte: ["$rows", first] }, { $max: ["$rows", end] }, "$rows"] },
              codes: {
                shortest: { $min: ["$codes.shortest", codes.shortest] },
                digits: { $or: ["$codes.digits", codes.digits] },
                letters: { $or: ["$codes.letters", codes.letters] },
                syllables: { $or: ["$codes.syllables", codes.syllables] },
              },
              touchedAt: "$$NOW",
            },
          },
        ],
        { returnDocument: "after" },
      ),

    /**
     * Takes back coupons that were inserted too late: the import takes none any more. Those of its rows stay
     * where a campaign has them: they may have been sent again.
     */
    async takeBack(id: string, docs: readonly CouponDoc[]): Promise<void> {
      const found = await imports.findOne({ _id: id });
      const late = found?.state === "used" ? { ordinal: { $gte: found.rows } } : {};
      await coupons.deleteMany({ _id: { $in: docs.map(({ _id }) => _id) }, campaignId: id, ...late });
    },

    countFaults: (id: string): Promise<number> => faults.countDocuments(faultsFrom(id, 0)),

    /** Faults by row, from a row on, at most `limit`. */
    faults: (id: string, from: number, limit: number): Promise<CodeFaultDoc[]> =>
      faults.find(faultsFrom(id, from)).sort({ _id: 1 }).limit(limit).toArray(),

    /**
     * From now on it takes no codes, and only a campaign can have its rows. Null: it was discarded, or has
     * taken more rows than these.
     */
    use: (id: string, rows: number): Promise<CodeImportDoc | null> =>
      imports.findOneAndUpdate(
        { _id: id, rows, state: { $in: ["open", "used"] } },
        { $set: { state: "used" } },
        { returnDocument: "after" },
      ),

    /** Null: there is none, or a campaign is made of it. */
    discard: (id: string): Promise<CodeImportDoc | null> =>
      imports.findOneAndUpdate({ _id: id, state: { $in: ["open", "discarded"] } }, DISCARDED, {
        returnDocument: "after",
      }),

    /**
     * Ids of imports that nobody has gone on with since an instant, and of discarded ones that still have
     * codes.
     */
    async abandoned(since: Date): Promise<string[]> {
      const filter = { $or: [untouched(since), { removing: true as const }] };
      const found = await imports.find(filter, { projection: { _id: 1 } }).toArray();
      return found.map(({ _id }) => _id);
    },

    /** Discards it, if it is open and nobody has gone on with it since then. */
    async expire(id: string, since: Date): Promise<boolean> {
      return (await imports.updateOne({ _id: id, ...untouched(since) }, DISCARDED)).modifiedCount === 1;
    },

    /** Removes some of the codes of a discarded import; true: none is left, or it is not discarded. */
    async removeSome(id: string): Promise<boolean> {
      if ((await imports.findOne({ _id: id }))?.state !== "discarded") return true;
      await faults.deleteMany(faultsFrom(id, 0));
      for (let removed = 0; removed < REMOVED_MAX; removed += REMOVED_AT_ONCE) {
        const found = await coupons
          .find({ campaignId: id }, { projection: { _id: 1 }, hint: "one_per_ordinal" })
          .limit(REMOVED_AT_ONCE)
          .toArray();
        if (found.length === 0) {
          await imports.updateOne({ _id: id }, { $unset: { removing: 1 } });
          return true;
        }
        await coupons.deleteMany(
          { _id: { $in: found.map(({ _id }) => _id) }, campaignId: id },
          { hint: "_id_" },
        );
      }
      return false;
    },
  };
}

const DISCARDED = {
  $set: { state: "discarded" as const, removing: true as const },
  $unset: { key: 1 as const },
};

const TOUCHED = [{ $set: { touchedAt: "$$NOW" } }];

/** Open, and nobody has gone on with it since then. */
function untouched(since: Date): Filter<CodeImportDoc> {
  const begun = { touchedAt: { $exists: false }, createdAt: { $lt: since } };
  return { state: "open", $or: [{ touchedAt: { $lt: since } }, begun] };
}

function faultId(id: string, row: number): string {
  return `${id}/${String(row).padStart(ROW_DIGITS, "0")}`;
}
