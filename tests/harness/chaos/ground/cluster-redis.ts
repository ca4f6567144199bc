import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../../../../local/store.ts";
import { withDeadline } from "../../../../runtime/deadline.ts";
import { type ClusterNode, type ClusterOptions, startRedisCluster } from "../../../support/redis-cluster.ts";
import { type RedisGround, urlOf } from "./redis-form.ts";

/** How the cluster of a round differs from three masters that nobody replaces. */
export type ClusterPlan = Pick<
  ClusterOptions,
  "replicas" | "automaticFailover" | "nodeTimeoutMs" | "args"
> & {
  /** How many of the nodes REDIS_URL lists; default: all. */
  readonly listed?: number;
};

const SERVES_WITHIN_MS = 60_000;
const ASK_MS = 1_000;
const POLL_MS = 20;
const DURABLE = ["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];

/** A real Redis Cluster, whose nodes keep an append-only file each. */
export async function startClusterRedis(plan: ClusterPlan): Promise<RedisGround> {
  const { listed, ...options } = plan;
  const cluster = await startRedisCluster({
    replicas: false,
    ...options,
    persistent: true,
    args: [...DURABLE, ...(options.args ?? [])],
  });
  const [first, ...others] = cluster.nodes.map(({ store: { host, port } }) => ({ host, port }));
  if (first === undefined) throw new Error("the cluster has no node");
  return {
    get url() {
      return cluster.url;
    },
    addresses: [first, ...others],
    urlThrough: (doors) => doors.slice(0, listed).map(urlOf).join(","),
    async serving(key) {
      const endsAtMs = performance.now() + SERVES_WITHIN_MS;
      for (;;) {
        const found = await servingMaster(cluster.nodes, key);
        if (found !== undefined) return found;
        if (performance.now() > endsAtMs) throw new Error("no node of the cluster serves the campaign");
        await sleep(POLL_MS);
      }
    },
    cluster,
    sentinels: undefined,
    close: cluster.close,
  };
}

/** The node that most nodes list as the master of the key's slot, if it serves. */
async function servingMaster(nodes: readonly ClusterNode[], key: string): Promise<Store | undefined> {
  const running = nodes.filter(({ store }) => store.isRunning);
  const views = await Promise.all(running.map((node) => masterSeenBy(node, key).catch(() => undefined)));
  const votes = new Map<string, number>();
  for (const id of views) if (id !== undefined) votes.set(id, (votes.get(id) ?? 0) + 1);
  const [most] = [...votes].sort(([, a], [, b]) => b - a);
  const master = running.find(({ id }) => id === most?.[0]);
  if (master === undefined || (most?.[1] ?? 0) * 2 <= running.length) return undefined;
  const info = await askSoon(master, "CLUSTER", "INFO").catch(() => "");
  const role = await askSoon(master, "ROLE").catch(() => []);
  const serves = String(info).includes("cluster_state:ok") && (role as unknown[])[0] === "master";
  return serves ? master.store : undefined;
}

/** The id of the key's master, as a node lists it. */
export async function masterSeenBy(node: ClusterNode, key: string): Promise<string | undefined> {
  const [slot, ranges] = await Promise.all([
    askSoon(node, "CLUSTER", "KEYSLOT", key),
    askSoon(node, "CLUSTER", "SLOTS") as Promise<[number, number, [string, number, string]][]>,
  ]);
  return ranges.find(([from, to]) => from <= Number(slot) && Number(slot) <= to)?.[2][2];
}

/** A node that is suspended does not answer. */
function askSoon(node: ClusterNode, ...command: readonly string[]): Promise<unknown> {
  return withDeadline(node.ask(...command), ASK_MS, "a node of the cluster");
}
