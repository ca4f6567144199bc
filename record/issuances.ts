import type { Collection, Db, Document, Filter } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";
import { stillExists } from "./still-exists.ts";
import { insertUnordered } from "./unordered-insert.ts";

/** The outcome of one insert; `issuance` is the durable issuance to answer with. */
export type InsertOutcome =
  /** Durable now, or already before with the same code and key. */
  | { readonly kind: "durable"; readonly issuance: IssuanceDoc }
  /**
   * The claim key has another code already. `codeFree`: no key has an issuance of the code that was tried.
   */
  | { readonly kind: "key-taken"; readonly issuance: IssuanceDoc; readonly codeFree: boolean }
  /** Another claim key has an issuance of the code: the pool that it came from was stale. */
  | { readonly kind: "code-taken"; readonly issuance: IssuanceDoc }
  /** Its campaign, a rehearsal, was removed meanwhile, and the issuance is deleted. */
  | { readonly kind: "removed" };

/** A place in the issue order of a campaign, to read on from. Within a generation each seq occurs once. */
export type IssuePosition = { readonly generation: number; readonly seq: number };

/** An issued code and its place. */
export type IssuedCode = IssuePosition & Pick<IssuanceDoc, "_id">;

export type Issuances = ReturnType<typeof createIssuances>;

export function createIssuances(db: Db) {
  const collection: Collection<IssuanceDoc> = db.collection("issuances");

  /** Reads the issuances that stand against the refused inserts, and returns the outcome of each. */
  async function explain(refused: readonly IssuanceDoc[]): Promise<Map<IssuanceDoc, InsertOutcome>> {
    const standing = await collection
      .find({
        $or: [
          { _id: { $in: refused.map((doc) => doc._id) } },
          ...refused.map(({ campaignId, claimKey }) => ({ campaignId, claimKey })),
        ],
      })
      .toArray();
    const byCode = new Map(standing.map((doc) => [doc._id, doc]));
    const byKey = new Map(standing.map((doc) => [keyOf(doc), doc]));
    const outcomes = new Map<IssuanceDoc, InsertOutcome>();
    for (const doc of refused) {
      const issuance = byKey.get(keyOf(doc));
      const holder = byCode.get(doc._id);
      if (issuance !== undefined && issuance._id === doc._id)
        outcomes.set(doc, { kind: "durable", issuance });
      else if (issuance !== undefined)
        outcomes.set(doc, { kind: "key-taken", issuance, codeFree: holder === undefined });
      else if (holder !== undefined) outcomes.set(doc, { kind: "code-taken", issuance: holder });
      else throw new Error("an issuance was refused as a duplicate of one that cannot be read");
    }
    return outcomes;
  }

  /** Reads issuances after a position, at most `limit`: two index ranges, never a sort in memory. */
  async function ordered<T extends IssuePosition>(
    campaignId: string,
    after: IssuePosition | undefined,
    limit: number,
    options: { readonly projection?: Document },
  ): Promise<T[]> {
    const range = (filter: Filter<IssuanceDoc>, most: number) =>
      collection
        .find<T>(
          { campaignId, ...filter },
          { hint: "in_issue_order", batchSize: Math.min(most, 10_000), ...options },
        )
        .sort({ generation: 1, seq: 1 })
        .limit(most)
        .toArray();
    if (after === undefined) return range({}, limit);
    const { generation, seq } = after;
    const sameGeneration = await range({ generation, seq: { $gt: seq } }, limit);
    if (sameGeneration.length === limit) return sameGeneration;
    const later = await range({ generation: { $gt: generation } }, limit - sameGeneration.length);
    return sameGeneration.concat(later);
  }

  return {
    /**
     * Makes issuances of one campaign durable (majority, journaled). Each succeeds or fails separately; the
     * unique indexes decide.
     * @throws any error after which the outcome is uncertain: each of them may be durable or not
     */
    async insert(docs: IssuanceDoc[]): Promise<InsertOutcome[]> {
      const refused = new Set(await insertUnordered(db, collection.collectionName, docs));
      const [first] = docs;
      if (first !== undefined && !(await stillExists(db, first.campaignId))) {
        const { campaignId } = first;
        const late = { _id: { $in: docs.map(({ _id }) => _id) }, campaignId };
        await collection.deleteMany(late, { hint: "_id_" });
        return docs.map(() => ({ kind: "removed" }));
      }
      if (refused.size === 0) return docs.map((issuance) => ({ kind: "durable", issuance }));
      const outcomes = await explain(docs.filter((_, i) => refused.has(i))).catch(async (error: unknown) => {
        if (first === undefined || (await stillExists(db, first.campaignId))) throw error;
        return undefined;
      });
      if (outcomes === undefined) return docs.map(() => ({ kind: "removed" }));
      return docs.map((doc) => outcomes.get(doc) ?? { kind: "durable", issuance: doc });
    },

    findByClaimKey: (campaignId: string, claimKey: string): Promise<IssuanceDoc | null> =>
      collection.findOne({ campaignId, claimKey }),

    findByCode: (campaignId: string, code: string): Promise<IssuanceDoc | null> =>
      collection.findOne({ _id: code, campaignId }),

    /** Of any campaign: a code is unique over all of them. */
    findIssued: (code: string): Promise<IssuanceDoc | null> => collection.findOne({ _id: code }),

    count: (campaignId: string): Promise<number> =>
      collection.countDocuments({ campaignId }, { hint: "in_issue_order" }),

    /** Which of these codes are issued. */
    async issuedAmong(codes: readonly string[]): Promise<Set<string>> {
      const found = await collection.find({ _id: { $in: [...codes] } }, { projection: { _id: 1 } }).toArray();
      return new Set(found.map((doc) => doc._id));
    },

    /** Issuances in issue order after a position, at most `limit`. */
    inOrder: (campaignId: string, after: IssuePosition | undefined, limit: number): Promise<IssuanceDoc[]> =>
      ordered<IssuanceDoc>(campaignId, after, limit, {}),

    /** Claim keys in their own order after one of them, at most `limit`: read from the index alone. */
    async claimKeys(campaignId: string, after: string | undefined, limit: number): Promise<string[]> {
      const found = await collection
        .find<Pick<IssuanceDoc, "claimKey">>(
          { campaignId, ...(after === undefined ? {} : { claimKey: { $gt: after } }) },
          { hint: "one_per_claim_key", projection: { _id: 0, claimKey: 1 }, batchSize: limit },
        )
        .sort({ claimKey: 1 })
        .limit(limit)
        .toArray();
      return found.map(({ claimKey }) => claimKey);
    },

    /** Only the codes and places of issuances: half of the processor time. */
    codesInOrder: (
      campaignId: string,
      after: IssuePosition | undefined,
      limit: number,
    ): Promise<IssuedCode[]> =>
      ordered<IssuedCode>(campaignId, after, limit, { projection: { generation: 1, seq: 1 } }),
  };
}

function keyOf(doc: IssuanceDoc): string {
  return `${doc.campaignId} ${doc.claimKey}`;
}
