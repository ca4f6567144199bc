import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { emptyPrivateFile } from "../runtime/private-file.ts";
import { freePort, isPortFree } from "./free-port.ts";
import { makeFolder } from "./make-folder.mjs";
import { until } from "./poll.ts";
import { clusterMasterOf, clusterSize, isClusterWhole, planCluster } from "./redis-group/cluster.ts";
import { HOST, prepareNode, startNode } from "./redis-group/node.ts";
import {
  isSentinelGroupWhole,
  MASTER_NAME,
  planSentinel,
  SENTINEL_GROUP_SIZE,
  sentinelMasterOf,
} from "./redis-group/sentinel.ts";
import type { GroupNode, NodePlan, RedisGroup, RedisGroupOptions } from "./redis-group/settings.ts";
import { LocalStackError } from "./store.ts";
import { unusableFolder } from "./unusable-folder.ts";

const FILE = "group.json";
const START_TRIES = 3;
const WHOLE_WITHIN_MS = 120_000;
const POLL_MS = 25;

/** How many ports a group of this kind needs. */
export function portsOfGroup(options: Pick<RedisGroupOptions, "kind" | "replicas">): number {
  return options.kind === "sentinel" ? SENTINEL_GROUP_SIZE : 2 * clusterSize({ folder: "", ...options });
}

/**
 * Starts a real Redis Cluster, or a master with replicas and Sentinels, as processes on this machine: three
 * masters with a replica each, or a master, two replicas and three Sentinels. Resolves when it is whole.
 * @throws LocalStackError where a port is taken
 */
export async function startRedisGroup(options: RedisGroupOptions): Promise<RedisGroup> {
  for (let attempt = 1; ; attempt += 1) {
    const known = planIn(options);
    try {
      return await startPlanned(known ?? (await newPlan(options)), options);
    } catch (error) {
      // Another process may have taken a port that was free.
      const mayHelp = known === undefined && options.ports === undefined && attempt < START_TRIES;
      if (!mayHelp || !/in use|did not answer/.test(String(error))) throw error;
      rmSync(join(options.folder, FILE), { force: true });
    }
  }
}

/** The nodes of an earlier start, as they are in the file of the folder; undefined: there was none. */
function planIn({ kind, folder, ports }: RedisGroupOptions): NodePlan[] | undefined {
  const file = join(folder, FILE);
  if (!existsSync(file)) return undefined;
  const told = JSON.parse(readFileSync(file, "utf8")) as { kind: string; ports: number[]; nodes: NodePlan[] };
  const isOther = ports !== undefined && String(ports) !== String(told.ports);
  if (told.kind !== kind || isOther) {
    const what = told.kind === kind ? `ports ${told.ports.join(", ")}` : `kind ${told.kind}`;
    throw new LocalStackError(
      `The Redis group in ${folder} has the ${what}. Remove that folder to start another one there.`,
    );
  }
  return told.nodes.map((node, i) => ({ ...node, dir: join(folder, `node-${i}`), lines: [] }));
}

async function newPlan(options: RedisGroupOptions): Promise<NodePlan[]> {
  const { kind, folder } = options;
  const needed = portsOfGroup(options);
  if (options.ports !== undefined && options.ports.length !== needed)
    throw new Error(`a ${kind} needs ${needed} ports, not ${options.ports.length}`);
  const ports = [...(options.ports ?? [])];
  while (ports.length < needed) ports.push(await freePort());
  await demandFree(ports, options);
  const nodes = kind === "cluster" ? planCluster(options, ports) : planSentinel(options, ports);
  try {
    makeFolder(folder, 0o700);
    for (const { dir } of nodes) rmSync(dir, { recursive: true, force: true });
    for (const node of nodes) await prepareNode(node, options);
    // The last file: without it the next start begins anew.
    const handle = await emptyPrivateFile(join(folder, FILE));
    const kept = nodes.map(({ role, id, port }) => ({ role, id, port }));
    const text = JSON.stringify({ kind, ports, nodes: kept }, null, 2);
    await handle.writeFile(text).finally(() => handle.close());
  } catch (error) {
    throw unusableFolder("the folder of the Redis group", folder, error);
  }
  return nodes;
}

async function startPlanned(plans: readonly NodePlan[], options: RedisGroupOptions): Promise<RedisGroup> {
  await demandFree(
    plans.map(({ port }) => port),
    options,
  );
  const nodes: GroupNode[] = [];
  const all = (end: (node: GroupNode) => Promise<void>) => Promise.all(nodes.map(end)).then(() => {});
  try {
    // Sentinels that start before the master would find it down.
    for (const isSentinel of [false, true]) {
      const some = plans.filter(({ role }) => (role === "sentinel") === isSentinel);
      const started = await Promise.allSettled(some.map((plan) => startNode(plan, options)));
      for (const one of started) if (one.status === "fulfilled") nodes.push(one.value);
      for (const one of started) if (one.status === "rejected") throw one.reason;
    }
    const group: RedisGroup = {
      kind: options.kind,
      url: urlOf(nodes, options),
      nodes,
      masterOf: (key, asked) =>
        options.kind === "cluster" ? clusterMasterOf(nodes, key, asked) : sentinelMasterOf(nodes, asked),
      async untilWhole(deadlineMs = WHOLE_WITHIN_MS) {
        const isWhole = options.kind === "cluster" ? isClusterWhole : isSentinelGroupWhole;
        if (!(await until(() => isWhole(nodes).catch(() => false), deadlineMs, POLL_MS)))
          throw new LocalStackError(`The Redis ${options.kind} in ${options.folder} does not become whole.`);
      },
      async stop() {
        // A Sentinel that outlives the master would begin a failover.
        for (const role of ["sentinel", "replica", "master"] as const)
          await Promise.all(nodes.filter((node) => node.role === role).map((node) => node.stop()));
      },
      kill: () => all((node) => node.kill()),
    };
    await group.untilWhole();
    return group;
  } catch (error) {
    await all((node) => node.kill());
    throw error;
  }
}

async function demandFree(ports: readonly number[], { folder }: RedisGroupOptions): Promise<void> {
  const free = await Promise.all(ports.map(isPortFree));
  const taken = ports.filter((_, i) => !free[i]);
  if (taken.length === 0) return;
  const [which, them] = taken.length === 1 ? ["Port", "it"] : ["Ports", "them"];
  const others = existsSync(join(folder, FILE)) ? `; remove ${folder} to start on others` : "";
  throw new LocalStackError(
    `${which} ${taken.join(", ")} on ${HOST} already in use. Stop what uses ${them}, or choose others (LOCAL_REDIS_PORT)${others}.`,
  );
}

function urlOf(nodes: readonly GroupNode[], { kind, user, password, tls }: RedisGroupOptions): string {
  const encoded = (text: string | undefined) => encodeURIComponent(text ?? "");
  const given = user ?? { name: "", password };
  const credentials =
    given.password === undefined ? "" : `${encoded(given.name)}:${encoded(given.password)}@`;
  const scheme = tls === undefined ? "redis" : "rediss";
  const at = ({ host, port }: GroupNode) => `${host}:${port}`;
  if (kind === "cluster") return nodes.map((node) => `${scheme}://${credentials}${at(node)}`).join(",");
  const sentinels = nodes.filter(({ role }) => role === "sentinel").map(at);
  const own = password === undefined ? "" : `?sentinelPassword=${encoded(password)}`;
  return `${scheme}+sentinel://${credentials}${sentinels.join(",")}/${MASTER_NAME}${own}`;
}
