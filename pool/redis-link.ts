import { createClient, createCluster } from "redis";
import { withDeadline } from "../runtime/deadline.ts";
import { StoreUnavailable } from "../runtime/store-unavailable.ts";
import { credentialsOf } from "./redis-client-options.ts";
import type { RedisKind } from "./redis-kind.ts";
import { type Endpoint, hostOf, type NodeAddress, portsOf, type RedisAddress } from "./redis-url.ts";
import { type ScriptName, scripts } from "./scripts.ts";

/**
 * One client of node-redis: a connection to a server, or the connections to the nodes of a cluster. It never
 * reconnects by itself: after any failure, `redis-watch.ts` opens another client and replaces it.
 */
export type Link = {
  /** A command that was not sent when `unsent` is aborted is never sent: its caller has given up. */
  run(
    name: ScriptName,
    keys: readonly string[],
    args: readonly string[],
    unsent: AbortSignal,
  ): Promise<unknown>;
  /** A plain command that any node may answer. */
  ask(args: readonly string[], unsent: AbortSignal): Promise<unknown>;
  /**
   * A plain command, to the server or to the node that has the key; in a cluster it needs the right to EXISTS
   * as well.
   */
  command(key: string, args: readonly string[], unsent: AbortSignal): Promise<unknown>;
  /**
   * The name of the part of Redis that fails and recovers together with the key: the whole server, or in a
   * cluster the keys of one hash tag.
   */
  placeOf(key: string): string;
  /** Called when a connection is lost, whether or not a command is under way on it; `node` is `host:port`. */
  onTrouble(listener: (error: unknown, node: string) => void): void;
  /** The server, or the masters of the cluster. */
  nodes(): readonly Endpoint[];
  /** Waits for replies under way, at most `withinMs`, then closes. */
  close(withinMs: number): Promise<void>;
  destroy(): void;
};

export type LinkOptions = {
  readonly address: RedisAddress;
  readonly kind: RedisKind;
  readonly withinMs: number;
};

/** A socket without any data for so long is closed; pings keep a quiet one open. */
const SOCKET_TIMEOUT_MS = 5_000;
const PING_INTERVAL_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const COMMANDS_QUEUE_MAX = 10_000;

const SOCKET = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: SOCKET_TIMEOUT_MS,
  noDelay: true,
  keepAlive: true,
  reconnectStrategy: false,
} as const;

export function openLink(options: LinkOptions): Promise<Link> {
  return options.kind === "cluster" ? openCluster(options) : openServer(options);
}

/** The common interface of both clients of node-redis, as far as it is used here. */
type Client = {
  connect(): Promise<unknown>;
  close(): Promise<void>;
  destroy(): void;
  withCommandOptions(options: {
    abortSignal: AbortSignal;
  }): Record<ScriptName, (keys: readonly string[], args: readonly string[]) => Promise<unknown>>;
};

async function openServer({ address, withinMs }: LinkOptions): Promise<Link> {
  const [node] = address.nodes as [Endpoint];
  const client = createClient({ ...clientOptions(address, node), scripts });
  client.on("error", () => {}); // `connect` rejects with it
  await connected(client as unknown as Client, withinMs);
  return {
    ...linkOf(client as unknown as Client),
    ask: (args, unsent) => client.sendCommand([...args], { abortSignal: unsent }),
    command: (_, args, unsent) => client.sendCommand([...args], { abortSignal: unsent }),
    placeOf: () => "",
    onTrouble: (listener) => void client.on("error", (error: unknown) => listener(error, hostOf(node))),
    nodes: () => [node],
  };
}

async function openCluster({ address, withinMs }: LinkOptions): Promise<Link> {
  let last: unknown;
  const client = createCluster({
    rootNodes: portsOf(address).map((node) => ({ socket: { ...node } })),
    // For a node that the cluster names, only the address is known: all other options are the same for all
    // nodes.
    defaults: clientOptions(address),
    // Otherwise one master that does not answer would block every reading of the topology, for ever.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: false,
    scripts,
  });
  client.on("error", (error: unknown) => {
    last = error;
  });
  await connected(client as unknown as Client, withinMs).catch((error: unknown) => {
    throw last ?? error;
  });
  return {
    ...linkOf(client as unknown as Client),
    ask: (args, unsent) =>
      client.sendCommand(undefined, false, [...args], { abortSignal: unsent }).catch(rethrow),
    command: async (key, args, unsent) => {
      try {
        // This call follows the slot to the node that has it now.
        await client.withCommandOptions({ abortSignal: unsent }).exists(key);
        // In a pipeline behind a command with the key: a command without a key (INFO, CONFIG) would go to any
        // node, or to all. A transaction would need the rights to MULTI and EXEC, only for this.
        const asked = client
          .multi()
          .exists(key)
          .addCommand(key, false, [...args]);
        const [, reply] = (await asked.execAsPipeline()) as unknown as readonly unknown[];
        return reply;
      } catch (error) {
        return rethrow(error);
      }
    },
    placeOf: (key) => /\{(.+?)\}/.exec(key)?.[1] ?? key,
    onTrouble: (listener) =>
      void client.on("node-error", (error: unknown, node: NodeAddress) => listener(error, hostOf(node))),
    nodes: () => client.masters.map(({ host, port }) => ({ host, port })),
  };
}

function clientOptions(address: RedisAddress, node?: Endpoint) {
  const { socket, ...credentials } = credentialsOf(address);
  return {
    ...credentials,
    commandsQueueMaxLength: COMMANDS_QUEUE_MAX,
    disableOfflineQueue: true,
    pingInterval: PING_INTERVAL_MS,
    socket: { ...SOCKET, ...socket, ...node },
  };
}

async function connected(client: Client, withinMs: number): Promise<void> {
  try {
    await withDeadline(client.connect(), withinMs, "connecting to Redis");
  } catch (error) {
    client.destroy();
    throw error;
  }
}

function linkOf(client: Client): Pick<Link, "run" | "close" | "destroy"> {
  return {
    run: (name, keys, args, unsent) =>
      client.withCommandOptions({ abortSignal: unsent })[name](keys, args).catch(rethrow),
    async close(withinMs) {
      await withDeadline(client.close(), withinMs, "closing").catch(() => {});
      client.destroy();
    },
    destroy: () => client.destroy(),
  };
}

/** node-redis throws a TypeError for a slot that no node has. */
function rethrow(error: unknown): never {
  if (error instanceof TypeError && error.message.includes("'master'")) {
    throw new StoreUnavailable("no node of the cluster has this slot", { cause: error });
  }
  throw error;
}
