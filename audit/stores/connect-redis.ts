import { createClient, createCluster } from "redis";
import { createMasterFinder } from "../../pool/master-finder.ts";
import { credentialsOf } from "../../pool/redis-client-options.ts";
import { askKind } from "../../pool/redis-kind.ts";
import { isDenied } from "../../pool/redis-trouble.ts";
import { parseRedisUrls, portsOf, type RedisAddress } from "../../pool/redis-url.ts";
import { StoreDenial } from "../../runtime/store-denial.ts";
import { StoreUnavailable } from "../../runtime/store-unavailable.ts";
import { UserError } from "../../runtime/user-error.ts";
import { createMasterReader, type ServerReader } from "./master-reader.ts";
import type { RedisReader } from "./redis-reader.ts";

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

function reconnect(retries: number): number | Error {
  return retries < RETRIES_MAX ? RETRY_MS : new Error("Redis is away");
}

/**
 * Connects only to those nodes of a cluster that are asked: a node that is down does not keep the others from
 * being read.
 */
async function clientOf(url: string): Promise<Client> {
  const given = parseRedisUrls(url);
  const finder = createMasterFinder(given);
  const address = await finder.find(CONNECT_TIMEOUT_MS).catch((error: unknown) => {
    finder.close();
    throw error;
  });
  const { socket, ...credentials } = credentialsOf(address);
  const options = {
    ...credentials,
    // Without a connection a command fails at once; a later one may succeed.
    disableOfflineQueue: true,
    pingInterval: PING_INTERVAL_MS,
    socket: {
      ...{ ...socket, connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
      reconnectStrategy: reconnect,
    },
  };
  const { username = "default" } = address;
  const serverAt = ({ nodes: [node] }: RedisAddress, reconnectStrategy: typeof reconnect | false) => {
    const client = createClient({ ...options, socket: { ...options.socket, ...node, reconnectStrategy } });
    client.on("error", () => {}); // `connect` or the question under way rejects with it
    const ask = (_: string, command: readonly string[]) => client.sendCommand([...command]);
    const onLost = (listener: () => void) => client.once("error", listener);
    return Object.assign(client, { username, ask, onLost }) as unknown as Client & ServerReader;
  };
  const kind = await askKind(address).catch((error: unknown) => {
    finder.close();
    throw error;
  });
  if (given.sentinels !== undefined) {
    const readerAt = (at: RedisAddress) => serverAt(at, false);
    return createMasterReader({ finder, username, readerAt, retryMs: RETRY_MS, retriesMax: RETRIES_MAX });
  }
  if (kind === "server") return serverAt(address, reconnect);
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
