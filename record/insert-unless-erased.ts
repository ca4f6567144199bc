import type { Collection } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";
import type { InsertOutcome } from "./insert-outcome.ts";

/**
 * Inserts only those whose user has no issuance under its pseudonym, by `insert`. The unique indexes cannot
 * decide that. So an erasure replaces an id only when every insert that began without this look has ended:
 * see campaign/erasure/erase-users.ts. `erased`: each of them as an erasure of its user would leave it.
 */
export async function insertUnlessErased(
  collection: Collection<IssuanceDoc>,
  docs: readonly IssuanceDoc[],
  erased: readonly IssuanceDoc[],
  insert: (docs: readonly IssuanceDoc[]) => Promise<InsertOutcome[]>,
): Promise<InsertOutcome[]> {
  const campaignId = docs[0]?.campaignId ?? "";
  const held = await collection
    .find({
      $or: [
        { campaignId, claimKey: { $in: erased.map(({ claimKey }) => claimKey) } },
        ...erased.flatMap(({ userId = "", place }) =>
          place === undefined ? [] : [{ campaignId, userId, place }],
        ),
      ],
    })
    .toArray();
  if (held.length === 0) return insert(docs);
  const byKey = new Map(held.map((doc) => [doc.claimKey, doc]));
  const byPlace = new Map(held.map((doc) => [placeOf(doc), doc]));
  const standing = erased.map((one) => {
    const sameKey = byKey.get(one.claimKey);
    const samePlace = one.place === undefined ? undefined : byPlace.get(placeOf(one));
    return {
      kind: sameKey === undefined ? "place-taken" : "key-taken",
      issuance: sameKey ?? samePlace,
    } as const;
  });
  const fresh = docs.filter((_, i) => standing[i]?.issuance === undefined);
  const inserted = new Map<IssuanceDoc, InsertOutcome>();
  const outcomes = fresh.length === 0 ? [] : await insert(fresh);
  fresh.forEach((doc, i) => {
    const outcome = outcomes[i];
    if (outcome !== undefined) inserted.set(doc, outcome);
  });
  const codes = docs.filter((doc) => !inserted.has(doc)).map(({ _id }) => _id);
  const issued = await collection.find({ _id: { $in: codes } }, { projection: { _id: 1 } }).toArray();
  const taken = new Set(issued.map(({ _id }) => _id));
  return docs.map((doc, i): InsertOutcome => {
    const done = inserted.get(doc);
    if (done !== undefined) return done;
    const { kind, issuance } = standing[i] ?? {};
    if (kind === undefined || issuance === undefined) throw new Error("an issuance has no outcome");
    if (issuance._id === doc._id) return { kind: "durable", issuance };
    return { kind, issuance, codeFree: !taken.has(doc._id) };
  });
}

function placeOf({ place, userId }: IssuanceDoc): string {
  return `${place} ${userId}`;
}
