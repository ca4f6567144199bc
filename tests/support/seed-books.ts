import type { Db } from "mongodb";
import { campaignKeys } from "../../pool/keys.ts";
import type { RawRedis } from "./raw-redis.ts";
import { type Books, STARTS_AT_MS, seqOf } from "./written-books.ts";
import { changeDocuments, seedLog } from "./written-log.ts";

type AnyDocument = { _id: string };

/**
 * Writes books into both stores in the layout of docs/architecture.md, as a sale in this Redis process would
 * leave them.
 */
export async function seedBooks(redis: RawRedis, db: Db, books: Books): Promise<void> {
  const { campaign, codes, issuances, meta, staged, open, away, claims, ledgerIds } = books;
  const { id: campaignId, startsAtMs, openedAtMs, total, onePerUser, state, generation, endsAtMs } = campaign;
  const { growingTo = total, settling } = campaign;
  const { log } = books;
  const changes = log === undefined ? historyOf(campaign) : changeDocuments(campaign, log);
  await db.collection<AnyDocument>("campaigns").insertOne({
    ...{ _id: campaignId, name: "seeded", codeFormat: "가가가가가가0000", generated: total },
    ...{ total, onePerUser, state, generation, startsAt: new Date(startsAtMs), createdAt: new Date(0) },
    ...(openedAtMs === undefined ? {} : { openedAt: new Date(openedAtMs) }),
    ...(endsAtMs === undefined ? {} : { endsAt: new Date(endsAtMs) }),
    ...(growingTo === total ? {} : { adding: { count: growingTo - total } }),
    ...(settling === undefined ? {} : { settling }),
    ...outboxOf(changes),
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
  await insert("history", changes.slice(0, -1));
  if (log !== undefined) await seedLog(db, campaignId, log);
  const keys = campaignKeys(campaignId);
  if (meta !== undefined) {
    const fields = { state: meta.state, generation: meta.generation, total: meta.total };
    const token = await fenceToken(redis);
    const seq = seqOf(books);
    const instants = { startsAt: meta.startsAtMs, endsAt: meta.endsAtMs, armedAt: meta.armedAtMs };
    const hold = {
      ...(meta.held === undefined ? {} : { held: meta.held }),
      ...(meta.base === undefined ? {} : { base: meta.base }),
    };
    await redis.hSet(keys.meta, { ...fields, ...instants, ...hold, token, seq });
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

/** The changes that led to the campaign's present state; the last of them is still in the outbox. */
function historyOf({ id, total, startsAtMs, growth = [], startMovedAtMs }: Books["campaign"]): AnyDocument[] {
  const settings = { state: "OPEN", name: "seeded", startsAt: new Date(startsAtMs) };
  const had = [...growth.map(({ from }) => from), total];
  const first = had[0] ?? total;
  const created = { ...settings, startsAt: new Date(startsAtMs + 60_000), total: first };
  const moves = [
    {
      atMs: startsAtMs,
      verb: "create",
      after: startMovedAtMs === undefined ? { ...settings, total: first } : created,
    },
    ...(startMovedAtMs === undefined
      ? []
      : [
          { atMs: startMovedAtMs, verb: "reschedule", before: created, after: { ...settings, total: first } },
        ]),
    ...growth.map(({ from, atMs }, i) => ({
      ...{ atMs, verb: "added", before: { ...settings, total: from } },
      after: { ...settings, total: had[i + 1] ?? total },
    })),
  ];
  return moves.map(({ atMs, ...change }, revision) => ({
    ...{ _id: `${id}/${revision}`, campaignId: id, revision, actor: "seed", at: new Date(atMs) },
    ...change,
  }));
}

function outboxOf(changes: readonly AnyDocument[]) {
  return { revision: changes.length - 1, outbox: changes.slice(-1) };
}

async function fenceToken(redis: RawRedis): Promise<string> {
  const runId = /run_id:(\w+)/.exec(await redis.info("server"))?.[1];
  const replicationId = /master_replid:(\w+)/.exec(await redis.info("replication"))?.[1];
  return `${runId}-${replicationId}`;
}
