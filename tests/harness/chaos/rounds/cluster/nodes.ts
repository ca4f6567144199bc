import type { ClusterNode, RedisCluster } from "../../../../support/redis-cluster.ts";
import type { GroundPlan } from "../../ground/ground.ts";
import type { Sale, SalePlan } from "../../sale.ts";
import { askUntilMadeHere } from "../proofs.ts";

/** Replicas take over by themselves, once the others have not heard from their master for so long. */
export const FAILS_OVER: GroundPlan = {
  cluster: { replicas: true, automaticFailover: true, nodeTimeoutMs: 2_000 },
};
/** Callers keep arriving over a failover. */
export const LONG_SALE: Partial<SalePlan> = { total: 700, users: 860, overMs: 5_000 };

export function clusterOf({ ground }: Sale): RedisCluster {
  if (ground.cluster === undefined) throw new Error("the Redis of this round is no cluster");
  return ground.cluster;
}

export type Pair = { readonly master: ClusterNode; readonly replica: ClusterNode };

/** The node that has the campaign, and its replica. */
export async function pairOf(sale: Sale): Promise<Pair> {
  const cluster = clusterOf(sale);
  const master = await masterOf(sale);
  const [replica] = await cluster.replicasOf(master, master);
  if (replica === undefined) throw new Error("the campaign's master has no replica");
  return { master, replica };
}

export async function masterOf(sale: Sale): Promise<ClusterNode> {
  await sale.ground.follow();
  const master = clusterOf(sale).nodes.find(({ store }) => store === sale.ground.redis);
  if (master === undefined) throw new Error("no node has the campaign");
  return master;
}

/** How many replies with this error code the servers got from the nodes. */
export function errorsSeen({ ground }: Sale, code: string): number {
  return ground.servers.reduce((sum, { redis }) => sum + redis.errors(code), 0);
}

/** Waits until the campaign is served by another Redis than `left`, and proves that. */
export async function promoted(sale: Sale, left: ClusterNode): Promise<void> {
  await sale.untilTrue("another node serves the campaign", async () => {
    await sale.ground.follow();
    return sale.ground.redis !== left.store;
  });
  sale.faultOver();
  sale.prove("promoted", 1);
  await askUntilMadeHere(sale);
}

/** Starts a killed master, and waits until it follows the node that has taken its place. */
export async function comesBack(sale: Sale, node: ClusterNode): Promise<void> {
  await node.store.start();
  await sale.untilTrue("the old master follows", async () =>
    /role:slave[\s\S]*master_link_status:up/.test(String(await node.ask("INFO", "replication"))),
  );
  sale.prove("came_back", 1);
}
