import { createClient, createCluster } from "redis";
import { campaignKeys } from "../../pool/keys.ts";
import { credentialsOf } from "../../pool/redis-client-options.ts";
import { askKind } from "../../pool/redis-kind.ts";
import { isDenied } from "../../pool/redis-trouble.ts";
import { parseRedisUrls, portsOf } from "../../pool/redis-url.ts";
import { StoreDenial } from "../../runtime/store-denial.ts";
import { StoreUnavailable } from "../../runtime/store-unavailable.ts";
import { UserError } from "../../runtime/user-error.ts";
import type { Issuance, PoolLengths, PoolMark, PoolMeta } from "../snapshot.ts";

/** The few reading commands that the audit needs, the same for a server and a cluster. */
export type RedisReader = {
  lRange(key: string, start: number, stop: number): Promise<string[]>;
  hScan(key: string, cursor: string, options: { COUNT: number }): Promise<ScanPage>;
  xRange(key: string, start: string, end: string, options: { COUNT: number }): Promise<LedgerEntry[]>;
  xLen(key: string): Promise<number>;
  multi(): MarkTransaction;
  /** Any command, sent to the node of a cluster that has the key. */
  ask(key: string, command: readonly string[]): Promise<unknown>;
  /** The Redis user of the audit, by its name in the ACL. */
  readonly username: string;
  close(): Promise<void>;
};

type ScanPage = { cursor: string; entries: { field: string; value: string }[] };
type LedgerEntry = { id: string; message: Record<string, string> };
type MarkTransaction = {
  hGetAll(key: string): MarkTransaction;
  lLen(key: string): MarkTransaction;
  hLen(key: string): MarkTransaction;
  xLen(key: string): MarkTransaction;
  info(section: string): MarkTransaction;
  exec(): Promise<unknown[]>;
};

/** Generous: an audit is in no hurry, and may run on a machine that is at its limit. */
const CONNECT_TIMEOUT_MS = 15_000;
const SOCKET_TIMEOUT_MS = 10_000;
const PING_INTERVAL_MS = 2_000;
/** The interval and number of reconnections: an audit may wait for a store that comes back. */
const RETRY_MS = 200;
const RETRIES_MAX = 300;

/**
 * `url` as in REDIS_URL: a server, or nodes of a cluster. @throws StoreUnavailable, or StoreDenial where
 * Redis refuses the audit
 */
export async function connectReader(url: string): Promise<RedisReader> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const told = `the audit cannot reach Redis within ${CONNECT_TIMEOUT_MS} ms`;
    timer = setTimeout(() => reject(new StoreUnavailable(told)), CONNECT_TIMEOUT_MS);
  });
  const client = clientOf(url);
  try {
    return await Promise.race([client.then(connected), late]);
  } catch (error) {
    client.then((opened) => opened.destroy()).catch(() => {});
    if (error instanceof StoreUnavailable) throw error;
    const why = error instanceof Error ? error.message || error.name : String(error);
    if (error instanceof UserError || isDenied(error))
      throw new StoreDenial(`Redis refuses the audit: ${why.replace(/^configuration: /, "")}`, {
        cause: error,
      });
    throw new StoreUnavailable(`the audit cannot reach Redis: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

type Client = RedisReader & { connect(): Promise<unknown>; destroy(): void };

async function connected(client: Client): Promise<RedisReader> {
  await client.connect();
  return client;
}

/**
 * Connects only to those nodes of a cluster that are asked: a node that is down does not keep the others from
 * being read.
 */
async function clientOf(url: string): Promise<Client> {
  const address = parseRedisUrls(url);
  const { socket, ...credentials } = credentialsOf(address);
  const options = {
    ...credentials,
    // Without a connection a command fails at once; a later one may succeed.
    disableOfflineQueue: true,
    pingInterval: PING_INTERVAL_MS,
    socket: {
      ...{ ...socket, connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
      reconnectStrategy: (retries: number) => (retries < RETRIES_MAX ? RETRY_MS : new Error("Redis is away")),
    },
  };
  const { username = "default" } = address;
  const [node] = address.nodes;
  if ((await askKind(address)) === "server") {
    const client = createClient({ ...options, socket: { ...options.socket, ...node } });
    client.on("error", () => {}); // `connect` or the question under way rejects with it
    const ask = (_: string, command: readonly string[]) => client.sendCommand([...command]);
    return Object.assign(client, { username, ask }) as unknown as Client;
  }
  const client = createCluster({
    rootNodes: portsOf(address).map((root) => ({ socket: { ...root } })),
    defaults: options,
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: RETRY_MS,
  });
  client.on("error", () => {});
  // As a pipeline of one: so a command without a key also goes to the node that has `key`.
  const ask = async (key: string, command: readonly string[]) => {
    const [reply] = await client
      .multi()
      .addCommand(key, false, [...command])
      .execAsPipeline();
    return reply;
  };
  return Object.assign(client, { username, ask }) as unknown as Client;
}

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

/** `code generation-seq ms`; a value of another form becomes a binding that matches no issuance. */
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
    endsAtMs: Number(fields["endsAt"] ?? 0),
    generation: Number(fields["generation"]),
    total: Number(fields["total"]),
    armedAtMs: Number(fields["armedAt"] ?? 0),
    ...(fields["base"] === undefined ? {} : { base: Number(fields["base"]) }),
    ...(fields["held"] === undefined ? {} : { held: Number(fields["held"]) }),
  };
}
