import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProduct, removeBuiltProduct } from "../../local/built.ts";
import { freePort } from "../../local/free-port.ts";
import { startRedisGroup } from "../../local/redis-group.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { startStack } from "../../local/stack.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { type Clients, connectClients } from "../load/connect-client.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { cpuSeconds } from "../rates/ground.ts";
import { orAborted, type Releases } from "../releases.ts";

/** The parts of a deployment whose processor time is measured. */
export const PARTS = ["server", "redis", "mongodb", "callers"] as const;
export type Cpu = Record<(typeof PARTS)[number], number>;

/** Server processes over one kind of Redis. */
export type Side = {
  readonly servers: readonly { readonly url: string; readonly pid: number }[];
  readonly clients: Clients;
  /** The pids of the Redis processes. */
  readonly redis: readonly number[];
  /** The Redis process that has the pool of a campaign. */
  masterOf(campaignId: string): Promise<number>;
};

export type ProcessesGround = { readonly single: Side; readonly cluster: Side; readonly mongodb: number };

const READY_MS = 60_000;
const STOP_MS = 12_000;

/** Both sides share a MongoDB, in a database each; all processes run all of the time. */
export async function layProcessesGround(
  servers: number,
  releases: Releases,
  signal: AbortSignal,
): Promise<ProcessesGround> {
  releases.add("the built service", removeBuiltProduct);
  const builtDir = await orAborted(builtProduct(), signal);
  const dir = await mkdtemp(join(tmpdir(), "coupon-processes-"));
  releases.add("the data folder", () => rm(dir, { recursive: true, force: true }));
  const starting = startStack({ dataDir: join(dir, "stores"), join: false });
  releases.add("the stores", async () => (await starting.catch(() => undefined))?.stop());
  const stack = await orAborted(starting, signal);
  const grouping = startRedisGroup({ kind: "cluster", folder: join(dir, "cluster"), replicas: false });
  releases.add("the cluster", async () => (await grouping.catch(() => undefined))?.kill());
  const group = await orAborted(grouping, signal);

  async function side(name: string, redisUrl: string): Promise<Omit<Side, "redis" | "masterOf">> {
    const start = async () => {
      const port = String(await freePort());
      const process: ServiceProcess = startService({
        entry: join(builtDir, "server", "main.js"),
        baseUrl: `http://127.0.0.1:${port}`,
        env: {
          ...{ REDIS_URL: redisUrl, MONGODB_URL: stack.mongodb.url, MONGODB_DATABASE: name, PORT: port },
          ...{ GRPC_PORT: "0", OPERATOR_TOKEN, LOG_LEVEL: "warn" },
        },
      });
      releases.add("a service", () => process.stop(STOP_MS));
      await orAborted(process.waitForHttp("/readyz", READY_MS), signal);
      return { url: `http://127.0.0.1:${port}`, pid: process.pid };
    };
    const started = await Promise.all(Array.from({ length: servers }, start));
    const clients = connectClients(started[0]?.url ?? "", OPERATOR_TOKEN);
    releases.add("the clients", () => clients.close());
    return { servers: started, clients };
  }

  const redis = stack.redis.pid ?? 0;
  const single = { redis: [redis], masterOf: () => Promise.resolve(redis) };
  const nodes = group.nodes.map(({ pid }) => pid ?? 0);
  const masterOf = async (id: string) => (await group.masterOf(campaignKeys(id).meta)).pid ?? 0;
  return {
    single: { ...(await side("single", stack.redis.url)), ...single },
    cluster: { ...(await side("cluster", group.url)), redis: nodes, masterOf },
    mongodb: stack.mongodb.pid ?? 0,
  };
}

/** Processor time of a side so far, in seconds. `callers`: that of the load's processes that have ended. */
export function cpuOf(side: Side, mongodb: number, callers: number): Cpu {
  const sum = (pids: readonly number[]) => pids.reduce((total, pid) => total + cpuSeconds(pid), 0);
  return {
    ...{ server: sum(side.servers.map(({ pid }) => pid)), redis: sum(side.redis) },
    ...{ mongodb: cpuSeconds(mongodb), callers },
  };
}

export function minus(after: Cpu, before: Cpu): Cpu {
  const each = PARTS.map((part) => [part, after[part] - before[part]] as const);
  return Object.fromEntries(each) as Cpu;
}
