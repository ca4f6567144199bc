import { createClient, createCluster } from "redis";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { luaScript } from "./script.ts";

/** Every script with its number of keys. The contract of each is the header of its Lua file. */
const scripts = {
  claim: luaScript("claim", 6),
  advance: luaScript("advance", 4),
  inspect: luaScript("inspect", 6),
  settle: luaScript("settle", 2),
  adopt: luaScript("adopt", 5),
  release: luaScript("release", 6),
  distrust: luaScript("distrust", 1),
  ledger: luaScript("ledger", 1),
  loadBegin: luaScript("load-begin", 4),
  loadCodes: luaScript("load-codes", 2),
  loadClaims: luaScript("load-claims", 2),
  loadCommit: luaScript("load-commit", 9),
  hold: luaScript("hold", 7),
  turn: luaScript("turn", 4),
  topUp: luaScript("top-up", 4),
  remove: luaScript("remove", 10),
  clock: luaScript("clock", 1),
  probe: luaScript("probe", 1),
};

export type ScriptName = keyof typeof scripts;

/** What the product needs of Redis: its scripts, and for preflight what no script may ask. A server and a cluster look the same. */
export type Redis = {
  [name in ScriptName]: (keys: readonly string[], args: readonly string[]) => Promise<unknown>;
} & {
  /** A plain command, to the server or the node of a cluster that has the key. */
  command(key: string, args: readonly string[]): Promise<unknown>;
  /** True while commands can be sent. */
  readonly isReady: boolean;
  /** Waits for replies under way, then closes. */
  close(): Promise<void>;
};

export type RedisOptions = {
  /** `redis://host:port`, or several with commas between them: the nodes of a cluster. */
  url: string;
  /** How long the first connection may take, in ms. */
  connectWithinMs: number;
  logger: Logger;
};

/** A socket on which nothing came for so long is dead; pings keep a quiet one alive. */
const SOCKET_TIMEOUT_MS = 5_000;
const PING_INTERVAL_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_MOST_MS = 500;
const COMMANDS_QUEUE_MAX = 10_000;

/**
 * Connects to Redis, or to a Redis Cluster when several URLs are given. Reconnects by itself for ever; while it is cut off,
 * commands are refused instead of queued: a claim must not run after its caller gave up.
 * @throws UserError when there is no Redis within `connectWithinMs`
 */
export async function connectRedis({ url, connectWithinMs, logger }: RedisOptions): Promise<Redis> {
  const clientOptions = {
    commandsQueueMaxLength: COMMANDS_QUEUE_MAX,
    disableOfflineQueue: true,
    pingInterval: PING_INTERVAL_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
      // Always a number: the default gives up for good after a socket timeout.
      reconnectStrategy: (retries: number) => Math.min(RECONNECT_MOST_MS, 20 * 2 ** Math.min(retries, 5)),
    },
  };
  const urls = url.split(",");
  const [client, command] =
    urls.length === 1 ? connectOne({ ...clientOptions, url }) : connectCluster(urls, clientOptions);
  let lastCause = "";
  client.on("error", (error: unknown) => {
    const cause = error instanceof Error ? error.message || error.name : String(error);
    if (cause !== lastCause) logger.warn({ room: "pool", cause }, "Redis connection trouble; reconnecting");
    lastCause = cause;
  });
  client.on("ready", () => {
    if (lastCause !== "") logger.info({ room: "pool" }, "Redis is back");
    lastCause = "";
  });
  try {
    const connected = async () => void (await client.connect());
    await withDeadline(connected(), connectWithinMs, "connecting to Redis");
  } catch (error) {
    client.destroy();
    throw new UserError(
      `no Redis at ${urls.map(hostOf).join(", ")} (${lastCause || (error instanceof Error ? error.message : String(error))}): ` +
        "start one, or give its address in REDIS_URL",
      EXIT.storeUnavailable,
      { cause: error },
    );
  }
  return Object.assign(client as unknown as Omit<Redis, "command">, { command });
}

type ClientOptions = Parameters<typeof createClient>[0];

function connectOne(options: ClientOptions) {
  const client = createClient({ ...options, scripts });
  return [client, (_: string, args: readonly string[]) => client.sendCommand([...args])] as const;
}

function connectCluster(urls: readonly string[], defaults: ClientOptions) {
  const client = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    defaults: { ...defaults },
    scripts,
  });
  const command = async (key: string, args: readonly string[]) => {
    // In a transaction with the key: what has no key of its own (INFO, CONFIG) would go to some node, or to all of them.
    const transaction = client
      .multi()
      .exists(key)
      .addCommand(key, false, [...args]);
    const [, reply] = (await transaction.exec()) as unknown as readonly unknown[];
    return reply;
  };
  return [client, command] as const;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "an address that is not a URL";
  }
}
