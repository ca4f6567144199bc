import type { Db } from "mongodb";
import { campaignKeys } from "../../pool/keys.ts";
import type { RawRedis } from "../integration/books.ts";
import { type Books, STARTS_AT_MS } from "./books.ts";

type AnyDocument = { _id: string };

/** Writes books into both stores in the layout of docs/architecture.md, as they would stand after a sale in this Redis process. */
export async function seedBooks(redis: RawRedis, db: Db, books: Books): Promise<void> {
  const { campaign, codes, issuances, meta, staged, open, away, claims, ledgerIds } = books;
  const { id: campaignId, startsAtMs, openedAtMs, total, onePerUser, state, generation } = campaign;
  await db.collection<AnyDocument>("campaigns").insertOne({
    ...{ _id: campaignId, name: "seeded", codeFormat: "가가가가가가0000", generated: total },
    ...{ total, onePerUser, state, generation, startsAt: new Date(startsAtMs), createdAt: new Date(0) },
    ...(openedAtMs === undefined ? {} : { openedAt: new Date(openedAtMs) }),
  } as AnyDocument);
  const insert = (collection: string, docs: readonly AnyDocument[]) =>
    docs.length === 0 ? undefined : db.collection<AnyDocument>(collection).insertMany([...docs]);
  await insert(
    "coupons",
    codes.map((code, ordinal) => ({ _id: code, campaignId, ordinal })),
  );
  await insert(
    "issuances",
    issuances.map(({ code, claimKey, generation: own, seq, issuedAtMs }) => ({
      ...{ _id: code, campaignId, claimKey, generation: own, seq, issuedAt: new Date(issuedAtMs) },
    })),
  );
  const keys = campaignKeys(campaignId);
  if (meta !== undefined) {
    const fields = { state: meta.state, generation: meta.generation, total: meta.total };
    const token = await fenceToken(redis);
    const seq = Math.max(0, ...issuances.map((issuance) => issuance.seq));
    const instants = { startsAt: meta.startsAtMs, endsAt: 0, armedAt: meta.armedAtMs };
    await redis.hSet(keys.meta, { ...fields, ...instants, token, seq });
  }
  for (const [key, list] of [
    [keys.staged, staged],
    [keys.open, open],
    [keys.away, away],
  ] as const)
    if (list.length > 0) await redis.rPush(key, list);
  const bindings = claims.flatMap((claim) => [
    claim.claimKey,
    `${claim.code} ${claim.generation}-${claim.seq} ${claim.issuedAtMs}`,
  ]);
  if (bindings.length > 0) await redis.hSet(keys.claims, bindings);
  for (const id of ledgerIds)
    await redis.xAdd(keys.ledger, id, { k: "somebody", c: "something", t: String(STARTS_AT_MS) });
}

async function fenceToken(redis: RawRedis): Promise<string> {
  const runId = /run_id:(\w+)/.exec(await redis.info("server"))?.[1];
  const replicationId = /master_replid:(\w+)/.exec(await redis.info("replication"))?.[1];
  return `${runId}-${replicationId}`;
}
