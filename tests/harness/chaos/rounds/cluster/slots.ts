import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../../../local/poll.ts";
import type { ClusterNode } from "../../../../support/redis-cluster.ts";
import { moveAllSlots, slotMigration } from "../../../../support/slot-migration.ts";
import type { Round } from "../../round.ts";
import type { Sale } from "../../sale.ts";
import { askUntilMadeHere, part, proveRebuilt } from "../proofs.ts";
import { clusterOf, errorsSeen, masterOf } from "./nodes.ts";

/** Between two keys that go to the slot's new node, and before the slot itself is its. */
const KEY_EVERY_MS = 100;
const HELD_MS = 500;
/** Long enough for the steps to happen during it, also on a busy machine. */
const SLOW_SALE = { total: 900, users: 1_080, overMs: 6_000 };
const STILL_SOLD = 40;
/** A bound for a busy machine; U11 judges whether callers have their answers in time. */
const BACK_WITHIN_MS = 20_000;

/** Moves the campaign's slot in steps, each of which a server meets. */
export async function moveSlowly(sale: Sale, to?: ClusterNode): Promise<void> {
  const migration = await slotMigration(clusterOf(sale), sale.keys.meta, to);
  await migration.begin();
  const issued = sale.issued();
  await sale.untilIssued(issued + STILL_SOLD);
  while ((await migration.moveKeys(1)) > 0) await sleep(KEY_EVERY_MS);
  await sleep(HELD_MS);
  await migration.finish();
  await sale.untilTrue("the target serves the campaign", async () => {
    await sale.ground.follow();
    return sale.ground.redis === migration.target.store;
  });
  sale.faultOver();
  await askUntilMadeHere(sale);
}

function proveRedirected(sale: Sale): void {
  sale.prove("tryagain", errorsSeen(sale, "TRYAGAIN"));
  sale.prove("ask", errorsSeen(sale, "ASK"));
  sale.prove("moved", errorsSeen(sale, "MOVED"));
}

/** One more node in the cluster, which every server can reach. */
async function joined(sale: Sale): Promise<ClusterNode> {
  const node = await clusterOf(sale).join();
  await Promise.all(sale.ground.servers.map(({ redis }) => redis.doorTo(node.store)));
  return node;
}

/** Slots go from node to node. */
export const clusterSlotRounds: readonly Round[] = [
  {
    name: "cluster-slot-migrates",
    forms: ["cluster"],
    sale: SLOW_SALE,
    async act(sale) {
      await part(sale, 0.2);
      await moveSlowly(sale);
    },
    async after(sale) {
      proveRedirected(sale);
      await proveRebuilt(sale);
    },
  },
  {
    name: "cluster-node-joins",
    forms: ["cluster"],
    quick: true,
    sale: SLOW_SALE,
    async act(sale) {
      const node = await joined(sale);
      await part(sale, 0.2);
      await moveSlowly(sale, node);
      sale.prove("joined_and_serves", sale.ground.redis === node.store ? 1 : 0);
    },
    async after(sale) {
      proveRedirected(sale);
      await proveRebuilt(sale);
    },
  },
  {
    // It was the only node in REDIS_URL; every connection is lost after it has left.
    name: "cluster-node-leaves",
    forms: ["cluster"],
    ground: { cluster: { listed: 1 } },
    sale: { ...SLOW_SALE, leadMs: 4_000 },
    async act(sale) {
      const cluster = clusterOf(sale);
      const [listed, heir] = cluster.nodes as [ClusterNode, ClusterNode];
      if ((await masterOf(sale)) !== listed) {
        const migration = await slotMigration(cluster, sale.keys.meta, listed);
        await migration.begin();
        while ((await migration.moveKeys()) > 0);
        await migration.finish();
      }
      await part(sale, 0.2);
      await moveAllSlots(cluster, listed, heir);
      await cluster.remove(listed);
      await sale.ground.follow();
      sale.prove("left", sale.ground.redis === heir.store ? 1 : 0);
      await part(sale, 0.4);
      for (const { redis } of sale.ground.servers) redis.cutAll();
      sale.faultOver();
      const issued = sale.issued();
      await until(() => sale.issued() >= issued + STILL_SOLD, BACK_WITHIN_MS);
      sale.prove("issued_after", sale.issued() - issued, STILL_SOLD);
    },
    async after(sale) {
      sale.prove("moved", errorsSeen(sale, "MOVED"));
      await proveRebuilt(sale);
    },
  },
];
