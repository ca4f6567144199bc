import type { Collection, Db, Document } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";
import type { InsertOutcome } from "./insert-outcome.ts";
import { insertUnlessErased } from "./insert-unless-erased.ts";
import { type IssuePosition, rangesOf, type Stretch } from "./issue-ranges.ts";
import { countIssuedBefore } from "./issued-before.ts";
import { isPseudonym } from "./pseudonym.ts";
import { type Repeating, repeatInsert } from "./retryable-insert.ts";
import { stillExists } from "./still-exists.ts";
import { insertUnordered } from "./unordered-insert.ts";

/** A place of the issue order that has an issuance. */
export type IssuedPlace = IssuePosition & Pick<IssuanceDoc, "issuedAt">;
const PLACE = { projection: { _id: 0, generation: 1, seq: 1, issuedAt: 1 } } as const;

/** An issued code and its place. */
export type IssuedCode = IssuePosition & Pick<IssuanceDoc, "_id">;

export type Issuances = ReturnType<typeof createIssuances>;

/** `name`: of the collection; that of a warm-up's shadow is another one. */
export function createIssuances(db: Db, name = "issuances") {
  const collection: Collection<IssuanceDoc> = db.collection(name);

  /** Reads the issuances that stand against the refused inserts, and returns the outcome of each. */
  async function explain(refused: readonly IssuanceDoc[]): Promise<Map<IssuanceDoc, InsertOutcome>> {
    const standing = await collection
      .find({
        $or: [
          { _id: { $in: refused.map((doc) => doc._id) } },
          ...refused.map(({ campaignId, claimKey }) => ({ campaignId, claimKey })),
          ...refused.flatMap(({ campaignId, userId = "", place }) =>
            place === undefined ? [] : [{ campaignId, userId, place }],
          ),
        ],
      })
      .toArray();
    const byCode = new Map(standing.map((doc) => [doc._id, doc]));
    const byKey = new Map(standing.map((doc) => [keyOf(doc), doc]));
    const byPlace = new Map(standing.map((doc) => [placeOf(doc), doc]));
    const outcomes = new Map<IssuanceDoc, InsertOutcome>();
    for (const doc of refused) {
      const issuance = byKey.get(keyOf(doc));
      const holder = byCode.get(doc._id);
      if (issuance !== undefined && issuance._id === doc._id)
        outcomes.set(doc, { kind: "durable", issuance });
      else if (holder !== undefined && isSameClaim(doc, holder))
        outcomes.set(doc, { kind: "durable", issuance: holder });
      else if (issuance !== undefined)
        outcomes.set(doc, { kind: "key-taken", issuance, codeFree: holder === undefined });
      else if (holder !== undefined) outcomes.set(doc, { kind: "code-taken", issuance: holder });
      else if (doc.place !== undefined && byPlace.has(placeOf(doc)))
        outcomes.set(doc, {
          kind: "place-taken",
          issuance: byPlace.get(placeOf(doc)) ?? doc,
          codeFree: true,
        });
      else throw new Error("an issuance was refused as a duplicate of one that cannot be read");
    }
    return outcomes;
  }

  /** Reads issuances of a stretch, at most `limit`: a few index ranges, never a sort in memory. */
  async function ordered<T extends IssuePosition>(
    campaignId: string,
    stretch: Stretch,
    limit: number,
    options: { readonly projection?: Document },
  ): Promise<T[]> {
    const found: T[] = [];
    for (const filter of rangesOf(stretch)) {
      const most = limit - found.length;
      const page = await collection
        .find<T>(
          { campaignId, ...filter },
          { hint: "in_issue_order", batchSize: Math.min(most, 10_000), ...options },
        )
        .sort({ generation: 1, seq: 1 })
        .limit(most)
        .toArray();
      // Most often all of them are in the first range.
      if (page.length === most) return found.length === 0 ? page : found.concat(page);
      for (const issuance of page) found.push(issuance);
    }
    return found;
  }

  async function insertOnce(docs: readonly IssuanceDoc[]): Promise<InsertOutcome[]> {
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
  }

  return {
    /**
     * Makes issuances of one campaign durable (majority, journaled). Each succeeds or fails separately; the
     * unique indexes decide. With `repeating`, what met another primary or lost its connection is repeated.
     * `erased`: each of them as an erasure of its user would leave it, where the campaign has erased users;
     * an issuance that stands against that one stands against it.
     * @throws any error after which the outcome is uncertain: each of them may be durable or not
     */
    insert(
      docs: readonly IssuanceDoc[],
      repeating?: Repeating,
      erased?: readonly IssuanceDoc[],
    ): Promise<InsertOutcome[]> {
      const once = () =>
        erased === undefined ? insertOnce(docs) : insertUnlessErased(collection, docs, erased, insertOnce);
      return repeating === undefined ? once() : repeatInsert(once, repeating);
    },

    findByClaimKey: (campaignId: string, claimKey: string): Promise<IssuanceDoc | null> =>
      collection.findOne({ campaignId, claimKey }),

    /** Those whose claim key is between two others, in the order of claim keys, at most `limit`. */
    findByClaimKeys: (
      campaignId: string,
      { above, below }: { readonly above: string; readonly below: string },
      limit: number,
    ): Promise<IssuanceDoc[]> =>
      collection
        .find({ campaignId, claimKey: { $gt: above, $lt: below } }, { hint: "one_per_claim_key" })
        .sort({ claimKey: 1 })
        .limit(limit)
        .toArray(),

    findByCode: (campaignId: string, code: string): Promise<IssuanceDoc | null> =>
      collection.findOne({ _id: code, campaignId }),

    /** Of any campaign: a code is unique over all of them. */
    findIssued: (code: string): Promise<IssuanceDoc | null> => collection.findOne({ _id: code }),

    count: (campaignId: string): Promise<number> =>
      collection.countDocuments({ campaignId }, { hint: "in_issue_order" }),

    /** As `countIssuedBefore` does. */
    countBefore: (campaignId: string, place: IssuePosition, mostMs?: number): Promise<number | undefined> =>
      countIssuedBefore(collection, campaignId, place, mostMs),

    /** Which of these codes are issued. */
    async issuedAmong(codes: readonly string[]): Promise<Set<string>> {
      const found = await collection.find({ _id: { $in: [...codes] } }, { projection: { _id: 1 } }).toArray();
      return new Set(found.map((doc) => doc._id));
    },

    /** Issuances in issue order after a position and below another (undefined: all), at most `limit`. */
    inOrder: (
      campaignId: string,
      after: IssuePosition | undefined,
      limit: number,
      below?: IssuePosition,
    ): Promise<IssuanceDoc[]> => ordered<IssuanceDoc>(campaignId, { after, below }, limit, {}),

    /** The last place of the issue order that has an issuance now; undefined: there is none. */
    async last(campaignId: string): Promise<IssuePosition | undefined> {
      const [last] = await collection
        .find<IssuePosition>(
          { campaignId },
          { hint: "in_issue_order", projection: { _id: 0, generation: 1, seq: 1 } },
        )
        .sort({ generation: -1, seq: -1 })
        .limit(1)
        .toArray();
      return last;
    },

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

    /** The same, only their places and instants. */
    placesInOrder: (
      campaignId: string,
      after: IssuePosition | undefined,
      limit: number,
      below?: IssuePosition,
    ): Promise<IssuedPlace[]> => ordered<IssuedPlace>(campaignId, { after, below }, limit, PLACE),

    /** The same, only their codes and places: half of the processor time. */
    codesInOrder: (
      campaignId: string,
      after: IssuePosition | undefined,
      limit: number,
      below?: IssuePosition,
    ): Promise<IssuedCode[]> =>
      ordered<IssuedCode>(campaignId, { after, below }, limit, { projection: { generation: 1, seq: 1 } }),
  };
}

/** Whether an issuance is that of the same claim, whose user was erased since. */
function isSameClaim(claim: IssuanceDoc, { campaignId, claimKey, generation, seq }: IssuanceDoc): boolean {
  const isItsPlace = claim.generation === generation && claim.seq === seq;
  return isPseudonym(claimKey) && claim.campaignId === campaignId && isItsPlace;
}

function keyOf(doc: IssuanceDoc): string {
  return `${doc.campaignId} ${doc.claimKey}`;
}

function placeOf({ campaignId, place, userId }: IssuanceDoc): string {
  return `${campaignId} ${place} ${userId}`;
}
