import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { isInStep } from "./cluster.ts";
import { HOST } from "./node.ts";
import type { GroupNode, NodePlan, RedisGroupOptions } from "./settings.ts";

/** The name by which the Sentinels know the master. */
export const MASTER_NAME = "coupons";
const DATA_NODES = 3;
const SENTINELS = 3;
const QUORUM = 2;
export const SENTINEL_GROUP_SIZE = DATA_NODES + SENTINELS;
const FAILED_AFTER_MS = 3_000;
const FAILOVER_MS = 10_000;

/** Node 0 is the master, 1 and 2 are its replicas, 3 to 5 are Sentinels. */
export function planSentinel(options: RedisGroupOptions, ports: readonly number[]): NodePlan[] {
  const nodes = Array.from({ length: SENTINEL_GROUP_SIZE }, (_, i) => ({
    id: randomBytes(20).toString("hex"),
    port: ports[i] as number,
    dir: join(options.folder, `node-${i}`),
  }));
  const master = String(nodes[0]?.port);
  const replicas = nodes.slice(1, DATA_NODES);
  const sentinels = nodes.slice(DATA_NODES);
  return nodes.map((node, i) => {
    if (i === 0) return { ...node, role: "master", lines: [] };
    if (i < DATA_NODES) return { ...node, role: "replica", lines: [["replicaof", HOST, master]] };
    const others = sentinels.filter((other) => other !== node);
    const { password, failedAfterMs = FAILED_AFTER_MS } = options;
    return {
      ...node,
      role: "sentinel",
      lines: [
        ["sentinel", "myid", node.id],
        ["sentinel", "monitor", MASTER_NAME, HOST, master, String(QUORUM)],
        ["sentinel", "down-after-milliseconds", MASTER_NAME, String(failedAfterMs)],
        ["sentinel", "failover-timeout", MASTER_NAME, String(FAILOVER_MS)],
        // They know each other and the replicas before the start, which saves the seconds of finding them.
        ...replicas.map(
          ({ port }) => ["sentinel", "known-replica", MASTER_NAME, HOST, String(port)] as const,
        ),
        ...others.map(
          ({ port, id }) => ["sentinel", "known-sentinel", MASTER_NAME, HOST, String(port), id] as const,
        ),
        ...(password === undefined
          ? []
          : ([
              ["sentinel", "auth-pass", MASTER_NAME, password],
              ["sentinel", "sentinel-pass", password],
            ] as const)),
      ],
    };
  });
}

/** The master, as a Sentinel names it. */
export async function sentinelMasterOf(
  nodes: readonly GroupNode[],
  asked = nodes.find((node) => node.role === "sentinel" && node.isRunning),
): Promise<GroupNode> {
  const address = (await asked?.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)) as [string, string];
  const found = nodes.find((node) => node.port === Number(address?.[1]));
  if (found === undefined) throw new Error(`no node is the master ${MASTER_NAME}`);
  return found;
}

export async function isSentinelGroupWhole(nodes: readonly GroupNode[]): Promise<boolean> {
  const running = nodes.filter((node) => node.isRunning);
  const sentinels = running.filter(({ role }) => role === "sentinel");
  const masters = await Promise.all(sentinels.map((sentinel) => sentinelMasterOf(nodes, sentinel)));
  const [master] = masters;
  if (master === undefined || masters.some((other) => other !== master)) return false;
  const views = await Promise.all(
    running.map(async (node) => {
      // An old master that came back is one for a while yet.
      if (node !== master && node.role !== "sentinel") return (await isReplica(node)) && isInStep(node);
      if (node === master) return !(await isReplica(node));
      const usable = String(await node.ask("SENTINEL", "CKQUORUM", MASTER_NAME));
      return usable.startsWith("OK");
    }),
  );
  return views.every(Boolean);
}

async function isReplica(node: GroupNode): Promise<boolean> {
  return /role:slave/.test(String(await node.ask("INFO", "replication")));
}
