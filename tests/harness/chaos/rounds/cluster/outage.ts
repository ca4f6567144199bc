import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterNode } from "../../../../support/redis-cluster.ts";
import type { Round } from "../../round.ts";
import type { Sale } from "../../sale.ts";
import { askUntilMadeHere, part, proveUnknownAndRebuilt, proveUnknownOrHeldBack } from "../proofs.ts";
import { clusterOf, errorsSeen, FAILS_OVER, LONG_SALE, masterOf } from "./nodes.ts";

const DOWN_MS = 2_000;

/** Kills every node, and starts all at once. */
export async function restartAll(sale: Sale): Promise<void> {
  const { nodes } = clusterOf(sale);
  await Promise.all(nodes.map(({ store }) => store.kill()));
  await Promise.all(nodes.map(({ store }) => store.start()));
  await sale.ground.follow();
  sale.faultOver();
  await askUntilMadeHere(sale);
}

/** The cluster as a whole does not serve. */
export const clusterOutageRounds: readonly Round[] = [
  {
    name: "cluster-restarted",
    forms: ["cluster"],
    quick: true,
    ground: FAILS_OVER,
    sale: LONG_SALE,
    async act(sale) {
      await part(sale, 0.3);
      await restartAll(sale);
      sale.prove("restarted", clusterOf(sale).nodes.length);
    },
    after: proveUnknownAndRebuilt,
  },
  {
    // Another master is away: the campaign's own would serve, but the cluster as a whole refuses.
    name: "cluster-down",
    forms: ["cluster"],
    ground: { cluster: { nodeTimeoutMs: 1_500 } },
    sale: LONG_SALE,
    async act(sale) {
      const master = await masterOf(sale);
      const other = clusterOf(sale).nodes.find((node) => node !== master) as ClusterNode;
      await part(sale, 0.3);
      await other.store.kill();
      await sale.untilTrue("the cluster is down", () => errorsSeen(sale, "CLUSTERDOWN") > 0);
      await sleep(DOWN_MS);
      await other.store.start();
      await sale.ground.follow();
      sale.faultOver();
      sale.prove("clusterdown", errorsSeen(sale, "CLUSTERDOWN"));
    },
    after: async (sale) => proveUnknownOrHeldBack(sale),
  },
];
