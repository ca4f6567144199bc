import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { clusterMasterOf, isClusterWhole, planJoiner } from "../../local/redis-group/cluster.ts";
import { prepareNode, startNode } from "../../local/redis-group/node.ts";
import type { GroupNode, RedisGroupOptions } from "../../local/redis-group/settings.ts";
import { startRedisGroup } from "../../local/redis-group.ts";
import type { Store } from "../../local/store.ts";
import { makeCertificates } from "./certificates.ts";
import { HANG_MS } from "./patience.ts";
import { temporaryDir } from "./temporary-dir.ts";

export type ClusterOptions = Pick<RedisGroupOptions, "password" | "user" | "replicas" | "args"> & {
  /** TLS only, with certificates of its own authority (`caFile`). */
  readonly tls?: boolean;
  /** An append-only file, so that a node comes back with its data. Default: no file. */
  readonly persistent?: boolean;
  /**
   * Whether a replica takes over by itself when its master has failed; default: only on CLUSTER FAILOVER
   * TAKEOVER.
   */
  readonly automaticFailover?: boolean;
  /**
   * A node that does not answer for so long counts as failed; on a busy machine a short time-out causes false
   * failures.
   */
  readonly nodeTimeoutMs?: number;
};

export type ClusterNode = {
  /** Kills, suspends and starts the node; a restarted node has its place in the cluster again. */
  readonly store: Store;
  readonly id: string;
  /** Connects as the default user, sends the command to this node only, and closes. */
  ask(...command: readonly string[]): Promise<unknown>;
};

/**
 * A real Redis Cluster on this machine: nodes 0 to 2 are masters; node 3 replicates node 0, 4 replicates 1, 5
 * replicates 2.
 */
export type RedisCluster = {
  readonly nodes: readonly ClusterNode[];
  /** REDIS_URL of all nodes, with the user's credentials if there is one, else the password, in each. */
  readonly url: string;
  /** The CA that clients must trust (their NODE_EXTRA_CA_CERTS); undefined without TLS. */
  readonly caFile: string | undefined;
  /** URL of one node, with the same credentials. */
  urlOf(node: ClusterNode): string;
  /** The master of the key's slot, as listed by `asked` (default: the first running node). */
  masterOf(key: string, asked?: ClusterNode): Promise<ClusterNode>;
  /**
   * The masters that do not count as failed, also those without slots, as listed by `asked` (default: the
   * first running node).
   */
  masters(asked?: ClusterNode): Promise<ClusterNode[]>;
  /** The replicas of a master that do not count as failed, as listed by `asked`. */
  replicasOf(master: ClusterNode, asked?: ClusterNode): Promise<ClusterNode[]>;
  /**
   * Starts one more node, a master without slots, and waits until every running node knows it and it takes
   * keys. A master answers CLUSTERDOWN for two seconds after its start, also to MIGRATE
   * (`CLUSTER_WRITABLE_DELAY` in Redis' cluster.h).
   */
  join(): Promise<ClusterNode>;
  /** Makes every running node forget a node that has no slots and no replica, and ends it. */
  remove(node: ClusterNode): Promise<void>;
  /** Waits until each running node reports `cluster_state:ok` and each replica is in step with its master. */
  untilOk(deadlineMs?: number): Promise<void>;
  close(): Promise<void>;
};

const NODE_TIMEOUT_MS = 15_000;

export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { tls, persistent = false, automaticFailover = false, nodeTimeoutMs, ...others } = options;
  const dir = temporaryDir();
  try {
    const certificates = tls === true ? makeCertificates(dir.path) : undefined;
    const groupOptions: RedisGroupOptions = {
      ...others,
      ...(certificates === undefined ? {} : { tls: certificates }),
      ...{ kind: "cluster", folder: `${dir.path}/cluster`, appendOnly: persistent, automaticFailover },
      failedAfterMs: nodeTimeoutMs ?? NODE_TIMEOUT_MS,
    };
    const group = await startRedisGroup(groupOptions);
    const nodes = group.nodes.map(nodeOf);
    const [firstUrl = ""] = group.url.split(",");
    const firstHost = hostOf(group.nodes[0] as GroupNode);
    const urlOf = ({ store }: ClusterNode) => firstUrl.replace(firstHost, hostOf(store));
    const viewOf = async (asked = nodes.find(({ store }) => store.isRunning)) =>
      String(await asked?.ask("CLUSTER", "NODES"));
    return {
      nodes,
      get url() {
        return nodes.map(urlOf).join(",");
      },
      caFile: certificates?.caFile,
      urlOf,
      async masterOf(key, asked) {
        const all = nodes.map(({ store }) => store as GroupNode);
        const found = await clusterMasterOf(all, key, asked?.store as GroupNode | undefined);
        return nodes[all.indexOf(found)] as ClusterNode;
      },
      async masters(asked) {
        const view = await viewOf(asked);
        return nodes.filter(({ id }) => listed(view, id).some((flag) => flag === "master"));
      },
      async replicasOf(master, asked) {
        const view = await viewOf(asked);
        return nodes.filter(({ id }) => listed(view, id).some((word) => word === master.id));
      },
      async join() {
        const plan = planJoiner(groupOptions, [await freePort(), await freePort()]);
        await prepareNode(plan, groupOptions);
        const node = nodeOf(await startNode(plan, groupOptions));
        const running = nodes.filter(({ store }) => store.isRunning);
        const { host, port } = node.store;
        await running[0]?.ask("CLUSTER", "MEET", host, String(port), String(plan.busPort));
        nodes.push(node);
        const isKnown = async () => {
          const views = await Promise.all([...running, node].map(viewOf));
          return views.every((view) => [...running, node].every(({ id }) => listed(view, id).length > 0));
        };
        if (!(await until(() => isKnown().catch(() => false), HANG_MS)))
          throw new Error("not every node knows the new one");
        if (!(await until(() => isClusterWhole([node.store as GroupNode]).catch(() => false), HANG_MS)))
          throw new Error("the new node does not report cluster_state:ok");
        return node;
      },
      async remove(node) {
        const staying = nodes.filter((one) => one !== node && one.store.isRunning);
        await Promise.all(staying.map((one) => one.ask("CLUSTER", "FORGET", node.id)));
        await node.store.kill();
        nodes.splice(nodes.indexOf(node), 1);
      },
      async untilOk(deadlineMs = HANG_MS) {
        const isWhole = () => isClusterWhole(nodes.map(({ store }) => store as GroupNode)).catch(() => false);
        if (!(await until(isWhole, deadlineMs))) throw new Error("the cluster does not become whole");
      },
      async close() {
        await Promise.all([group.kill(), ...nodes.map(({ store }) => store.kill())]);
        dir.remove();
      },
    };
  } catch (error) {
    dir.remove();
    throw error;
  }
}

function nodeOf(node: GroupNode): ClusterNode {
  return { store: node, id: node.id, ask: node.ask };
}

function hostOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

/** The flags of a node and the id of its master, in the view of another; none: failed, or not known yet. */
function listed(view: string, id: string): string[] {
  const line = view.split("\n").find((one) => one.startsWith(id));
  const [, , flags = "", masterId = ""] = line?.split(" ") ?? [];
  const words = [...flags.split(","), masterId].filter((word) => word !== "");
  return words.includes("fail") || words.includes("handshake") ? [] : words;
}
