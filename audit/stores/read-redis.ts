import { createClient, createCluster } from "redis";
import { campaignKeys } from "../../pool/keys.ts";
import type { Issuance, PoolMeta, RedisSide } from "../snapshot.ts";

/** The few reading commands the audit needs; a server and a cluster look the same. */
export type RedisReader = {
  hGetAll(key: string): Promise<Record<string, string>>;
  lRange(key: string, start: number, stop: number): Promise<string[]>;
  hScan(key: string, cursor: string, options: { COUNT: number }): Promise<ScanPage>;
  xRange(key: string, start: string, end: string, options: { COUNT: number }): Promise<{ id: string }[]>;
  xLen(key: string): Promise<number>;
  multi(): LengthsTransaction;
  close(): Promise<void>;
};

type ScanPage = { cursor: string; entries: { field: string; value: string }[] };
type LengthsTransaction = {
  lLen(key: string): LengthsTransaction;
  hLen(key: string): LengthsTransaction;
  xLen(key: string): LengthsTransaction;
  exec(): Promise<unknown[]>;
};

const PAGE = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** `url` as the service takes it: several with commas between them are the nodes of a cluster. */
export async function connectReader(url: string): Promise<RedisReader> {
  const options = { disableOfflineQueue: false, socket: { connectTimeout: CONNECT_TIMEOUT_MS } };
  const urls = url.split(",");
  const client =
    urls.length === 1
      ? createClient({ ...options, url })
      : createCluster({ rootNodes: urls.map((node) => ({ url: node })), defaults: options });
  let failure: unknown;
  client.on("error", (error: unknown) => {
    failure = error;
  });
  const connecting = client.connect();
  const late = new Promise<"late">((resolve) =>
    setTimeout(() => resolve("late"), CONNECT_TIMEOUT_MS).unref(),
  );
  if ((await Promise.race([connecting, late])) === "late") {
    connecting.catch(() => {});
    client.destroy();
    throw new Error(`the audit cannot reach Redis within ${CONNECT_TIMEOUT_MS} ms`, { cause: failure });
  }
  return client as unknown as RedisReader;
}

/** Everything Redis holds for a campaign, in pages. Only exact while nothing moves: the lengths tell. */
export async function readRedisSide(redis: RedisReader, campaignId: string): Promise<RedisSide> {
  const keys = campaignKeys(campaignId);
  const meta = parseMeta(await redis.hGetAll(keys.meta));
  const staged = await readList(redis, keys.staged);
  const open = await readList(redis, keys.open);
  const away = await readList(redis, keys.away);
  const claims = await readClaims(redis, keys.claims);
  const ledgerIds = await readLedgerIds(redis, keys.ledger);
  const lengths = (
    await redis
      .multi()
      .lLen(keys.staged)
      .lLen(keys.open)
      .lLen(keys.away)
      .hLen(keys.claims)
      .xLen(keys.ledger)
      .exec()
  ).map(Number);
  const [stagedLength = 0, openLength = 0, awayLength = 0, claimsLength = 0, ledgerLength = 0] = lengths;
  return {
    meta,
    staged,
    open,
    away,
    claims,
    ledgerIds,
    lengths: {
      staged: stagedLength,
      open: openLength,
      away: awayLength,
      claims: claimsLength,
      ledger: ledgerLength,
    },
  };
}

async function readList(redis: RedisReader, key: string): Promise<string[]> {
  const codes: string[] = [];
  for (;;) {
    const page = await redis.lRange(key, codes.length, codes.length + PAGE - 1);
    for (const code of page) codes.push(code);
    if (page.length < PAGE) return codes;
  }
}

/** HSCAN may give a field twice, hence the map; never too few while the hash only grows. */
async function readClaims(redis: RedisReader, key: string): Promise<Issuance[]> {
  const claims = new Map<string, Issuance>();
  let cursor = "0";
  do {
    const page = await redis.hScan(key, cursor, { COUNT: PAGE });
    for (const { field, value } of page.entries) claims.set(field, parseBinding(field, value));
    cursor = page.cursor;
  } while (cursor !== "0");
  return [...claims.values()];
}

async function readLedgerIds(redis: RedisReader, key: string): Promise<string[]> {
  const ids: string[] = [];
  let start = "-";
  for (;;) {
    const page = await redis.xRange(key, start, "+", { COUNT: PAGE });
    for (const { id } of page) ids.push(id);
    if (page.length < PAGE) return ids;
    start = `(${ids.at(-1)}`;
  }
}

/** `code generation-seq ms`; what is not of this form becomes a binding that agrees with nothing. */
function parseBinding(claimKey: string, value: string): Issuance {
  const [code = "", id = "", ms = ""] = value.split(" ");
  const [generation = "", seq = ""] = id.split("-");
  return { code, claimKey, generation: Number(generation), seq: Number(seq), issuedAtMs: Number(ms) };
}

function parseMeta(fields: Record<string, string>): PoolMeta | undefined {
  const state = fields["state"];
  if (state === undefined) return undefined;
  return {
    state,
    startsAtMs: Number(fields["startsAt"]),
    generation: Number(fields["generation"]),
    total: Number(fields["total"]),
    armedAtMs: Number(fields["armedAt"] ?? 0),
  };
}
