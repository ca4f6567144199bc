import { campaignKeys } from "../../pool/keys.ts";
import type { Issuance, PoolLengths, PoolMark, PoolMeta } from "../snapshot.ts";
import type { RedisReader } from "./redis-reader.ts";

/**
 * The pool's own numbers and the Redis process that returns them, all of one moment. In one transaction,
 * because in a cluster INFO then comes from the node that has the keys; outside one, a command without a key
 * goes to any node.
 */
export async function readMark(redis: RedisReader, campaignId: string): Promise<PoolMark> {
  const keys = campaignKeys(campaignId);
  const [fields, server, replication, ...lengths] = await redis
    .multi()
    .hGetAll(keys.meta)
    .info("server")
    .info("replication")
    .lLen(keys.staged)
    .lLen(keys.open)
    .lLen(keys.away)
    .hLen(keys.claims)
    .xLen(keys.ledger)
    .exec();
  const meta = fields as Record<string, string>;
  const token = meta["token"];
  return {
    meta: parseMeta(meta),
    seq: Number(meta["seq"] ?? 0),
    lengths: parseLengths(lengths.map(Number)),
    fenced: token !== undefined && token !== tokenOf(String(server), String(replication)),
  };
}

/** The fence token from the replies of INFO: of the process and its dataset. */
function tokenOf(server: string, replication: string): string {
  const runId = /run_id:(\w+)/.exec(server)?.[1];
  const replicationId = /master_replid:(\w+)/.exec(replication)?.[1];
  return `${runId}-${replicationId}`;
}

function parseLengths([staged = 0, open = 0, away = 0, claims = 0, ledger = 0]: number[]): PoolLengths {
  return { staged, open, away, claims, ledger };
}

/**
 * The codes of all lists of the pool. Read from the tail: codes are popped from the head, so those that are
 * not yet read keep their place, and none is left out while a sale goes on.
 */
export async function* pooledPages(
  redis: RedisReader,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly string[]> {
  const { staged, open, away } = campaignKeys(campaignId);
  for (const key of [staged, open, away]) yield* listPages(redis, key, size);
}

export async function* listPages(
  redis: RedisReader,
  key: string,
  size: number,
): AsyncGenerator<readonly string[]> {
  for (let fromTail = 0; ; fromTail += size) {
    const page = await redis.lRange(key, -fromTail - size, -fromTail - 1);
    if (page.length > 0) yield page;
    if (page.length < size) return;
  }
}

/** The claims hash. A key may come twice; one that is there all the time is never left out. */
export async function* claimPages(
  redis: RedisReader,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly Issuance[]> {
  let cursor = "0";
  do {
    const page = await redis.hScan(campaignKeys(campaignId).claims, cursor, { COUNT: size });
    yield page.entries.map(({ field, value }) => parseBinding(field, value));
    cursor = page.cursor;
  } while (cursor !== "0");
}

/**
 * Claims that are not confirmed durable: their ids `generation-seq`, and when they were made by the clock of
 * Redis.
 */
export async function* ledgerPages(
  redis: RedisReader,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly { readonly id: string; readonly atMs: number }[]> {
  let start = "-";
  for (;;) {
    const page = await redis.xRange(campaignKeys(campaignId).ledger, start, "+", { COUNT: size });
    yield page.map(({ id, message }) => ({ id, atMs: Number(message["t"]) }));
    const last = page.at(-1);
    if (last === undefined || page.length < size) return;
    start = `(${last.id}`;
  }
}

/** No user id and no request id has it. */
const SEPARATOR = "\u001f";

/**
 * `code generation-seq ms`; a value of another form becomes a binding that matches no issuance. Where users
 * have several coupons, the field is a user and a place, and the request id follows in the value.
 */
function parseBinding(field: string, value: string): Issuance {
  const [code = "", id = "", ms = "", ...requestId] = value.split(" ");
  const [generation = "", seq = ""] = id.split("-");
  const user = field.slice(0, field.lastIndexOf(SEPARATOR) + 1);
  const claimKey = requestId.length === 0 ? field : user + requestId.join(" ");
  return { code, claimKey, generation: Number(generation), seq: Number(seq), issuedAtMs: Number(ms) };
}

function parseMeta(fields: Record<string, string>): PoolMeta | undefined {
  const state = fields["state"];
  if (state === undefined) return undefined;
  return {
    state,
    startsAtMs: Number(fields["startsAt"]),
    endsAtMs: Number(fields["endsAt"] ?? 0),
    generation: Number(fields["generation"]),
    total: Number(fields["total"]),
    armedAtMs: Number(fields["armedAt"] ?? 0),
    ...(fields["base"] === undefined ? {} : { base: Number(fields["base"]) }),
    ...(fields["erased"] === undefined ? {} : { erased: fields["erased"] }),
    ...(fields["erasures"] === undefined ? {} : { erasures: Number(fields["erasures"]) }),
    ...(fields["held"] === undefined ? {} : { held: Number(fields["held"]) }),
  };
}
