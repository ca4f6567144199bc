import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { HOST } from "./node.ts";
import type { GroupNode, NodePlan, RedisGroupOptions } from "./settings.ts";

const MASTERS = 3;
const SLOTS = 16_384;
const FAILED_AFTER_MS = 5_000;

export function clusterSize({ replicas = true }: RedisGroupOptions): number {
  return replicas ? 2 * MASTERS : MASTERS;
}

/**
 * Nodes 0 to 2 are masters; node 3 replicates node 0, 4 replicates 1, 5 replicates 2. The ports of the bus
 * between nodes come behind the others: the default ones, 10000 above, may not exist.
 */
export function planCluster(options: RedisGroupOptions, ports: readonly number[]): NodePlan[] {
  const size = clusterSize(options);
  const nodes = Array.from({ length: size }, (_, i) => ({
    id: randomBytes(20).toString("hex"),
    port: ports[i] as number,
    busPort: ports[size + i] as number,
  }));
  return nodes.map((node, i) => ({
    role: i < MASTERS ? "master" : "replica",
    ...node,
    dir: join(options.folder, `node-${i}`),
    lines: linesOf(options, node.busPort),
    files: { "nodes.conf": nodesFile(nodes, node) },
  }));
}

/** One more node, a master that has no slots and knows no other node. */
export function planJoiner(
  options: RedisGroupOptions,
  [port, busPort]: readonly [number, number],
): NodePlan & { readonly busPort: number } {
  const id = randomBytes(20).toString("hex");
  const alone = `${id} ${HOST}:${port}@${busPort} myself,master - 0 0 0 connected\n`;
  return {
    ...{ role: "master", id, port, busPort, dir: join(options.folder, `node-${port}`) },
    lines: linesOf(options, busPort),
    files: { "nodes.conf": `${alone}vars currentEpoch 0 lastVoteEpoch 0\n` },
  };
}

function linesOf(options: RedisGroupOptions, busPort: number): NodePlan["lines"] {
  const { tls, automaticFailover = true, failedAfterMs = FAILED_AFTER_MS } = options;
  return [
    ["cluster-enabled", "yes"],
    ["cluster-port", String(busPort)],
    ["cluster-node-timeout", String(failedAfterMs)],
    ["cluster-replica-validity-factor", "0"],
    ["cluster-replica-no-failover", automaticFailover ? "no" : "yes"],
    ...(tls === undefined ? [] : ([["tls-cluster", "yes"]] as const)),
  ];
}

type Known = { readonly id: string; readonly port: number; readonly busPort: number };

/**
 * The file in which a node keeps its view of the cluster. Written before the start, it saves the seconds in
 * which nodes otherwise find each other.
 */
function nodesFile(nodes: readonly Known[], self: Known): string {
  const share = Math.ceil(SLOTS / MASTERS);
  const lines = nodes.map((node, i) => {
    const master = nodes[i - MASTERS];
    const role = master === undefined ? "master" : "slave";
    const slots = ` ${i * share}-${Math.min(SLOTS, (i + 1) * share) - 1}`;
    const words = [
      ...[node.id, `127.0.0.1:${node.port}@${node.busPort}`, node === self ? `myself,${role}` : role],
      ...[master?.id ?? "-", "0", "0", String((i % MASTERS) + 1), "connected"],
    ];
    return `${words.join(" ")}${master === undefined ? slots : ""}\n`;
  });
  return `${lines.join("")}vars currentEpoch ${MASTERS} lastVoteEpoch 0\n`;
}

export async function clusterMasterOf(
  nodes: readonly GroupNode[],
  key: string,
  asked = nodes.find((node) => node.isRunning),
): Promise<GroupNode> {
  const slot = Number(await asked?.ask("CLUSTER", "KEYSLOT", key));
  const shards = (await asked?.ask("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
  const [, , [, , id] = []] = shards.find(([from, to]) => from <= slot && slot <= to) ?? [];
  const found = nodes.find((node) => node.id === id);
  if (found === undefined) throw new Error(`no node has slot ${slot} of ${key}`);
  return found;
}

/** The slots of each master by its id, as in `0-5460, 5462`. */
export async function slotsByMaster(nodes: readonly GroupNode[]): Promise<Map<string, string>> {
  const asked = nodes.find((node) => node.isRunning);
  const shards = (await asked?.ask("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
  const found = new Map<string, string>();
  for (const [from, to, [, , id]] of shards.sort(([one], [other]) => one - other)) {
    const range = from === to ? String(from) : `${from}-${to}`;
    found.set(id, found.has(id) ? `${found.get(id)}, ${range}` : range);
  }
  return found;
}

export async function isClusterWhole(nodes: readonly GroupNode[]): Promise<boolean> {
  const views = await Promise.all(
    nodes
      .filter((node) => node.isRunning)
      .map(async (node) => {
        const info = String(await node.ask("CLUSTER", "INFO"));
        return info.includes("cluster_state:ok") && (await isInStep(node));
      }),
  );
  return views.every(Boolean);
}

/** Whether the node is a master, or a replica whose link to its master is up. */
export async function isInStep(node: GroupNode): Promise<boolean> {
  const replication = String(await node.ask("INFO", "replication"));
  return !/role:slave/.test(replication) || /link_status:up/.test(replication);
}
