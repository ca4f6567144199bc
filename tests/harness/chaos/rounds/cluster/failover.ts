import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterNode } from "../../../../support/redis-cluster.ts";
import type { Round } from "../../round.ts";
import { issuedBy, proveIssuedAgain } from "../cut-off.ts";
import { part, proveRebuilt, proveUnknownAndRebuilt, proveUnknownOrHeldBack } from "../proofs.ts";
import {
  clusterOf,
  comesBack,
  errorsSeen,
  FAILS_OVER,
  LONG_SALE,
  masterOf,
  pairOf,
  promoted,
} from "./nodes.ts";

const CUT_MS = 4_000;
/** By then a cluster with a majority has elected a master. */
const ELECTION_MS = 6_000;
const COMMON = { forms: ["cluster"], ground: FAILS_OVER, sale: LONG_SALE } as const;

/** The node that has the campaign is replaced by its replica. */
export const clusterFailoverRounds: readonly Round[] = [
  {
    ...COMMON,
    name: "cluster-master-killed",
    quick: true,
    async act(sale) {
      const { master } = await pairOf(sale);
      await part(sale, 0.3);
      await master.store.kill();
      await promoted(sale, master);
      await comesBack(sale, master);
    },
    after: proveUnknownAndRebuilt,
  },
  {
    // It wakes up as a master with a valid token, and with claims that were sent to it while it slept.
    ...COMMON,
    name: "cluster-master-hangs",
    async act(sale) {
      const { master } = await pairOf(sale);
      await part(sale, 0.3);
      master.store.pause();
      await promoted(sale, master);
      await part(sale, 0.5);
      master.store.resume();
      sale.faultOver();
    },
    after: proveUnknownAndRebuilt,
  },
  {
    // The master hands over in an orderly way: it stops its clients until the replica has everything.
    ...COMMON,
    name: "cluster-failover",
    async act(sale) {
      const { master, replica } = await pairOf(sale);
      await part(sale, 0.3);
      await replica.ask("CLUSTER", "FAILOVER");
      await promoted(sale, master);
      await part(sale, 0.6);
      sale.prove("moved", errorsSeen(sale, "MOVED"));
    },
    after: proveRebuilt,
  },
  {
    // The master is not asked, and issues coupons until it hears that it is none.
    ...COMMON,
    name: "cluster-failover-forced",
    async act(sale) {
      const { master, replica } = await pairOf(sale);
      await part(sale, 0.3);
      await replica.ask("CLUSTER", "FAILOVER", "FORCE");
      await promoted(sale, master);
      await part(sale, 0.6);
      sale.prove("moved", errorsSeen(sale, "MOVED"));
    },
    after: proveRebuilt,
  },
  {
    // Without a majority of masters nobody is elected.
    ...COMMON,
    name: "cluster-majority-lost",
    async act(sale) {
      const cluster = clusterOf(sale);
      const { master, replica } = await pairOf(sale);
      const other = (await cluster.masters(master)).find((node) => node !== master) as ClusterNode;
      const [otherReplica] = (await cluster.replicasOf(other, master)) as [ClusterNode];
      await part(sale, 0.3);
      await Promise.all([master.store.kill(), other.store.kill()]);
      await sleep(ELECTION_MS);
      const role = (await replica.ask("ROLE")) as string[];
      sale.prove("not_elected", role[0] === "slave" ? 1 : 0);
      for (const node of [replica, otherReplica]) await node.ask("CLUSTER", "FAILOVER", "TAKEOVER");
      await promoted(sale, master);
      await Promise.all([comesBack(sale, master), comesBack(sale, other)]);
    },
    after: proveUnknownAndRebuilt,
  },
  {
    // The replica is killed in its turn; the cluster makes the old master one again, with its older data.
    ...COMMON,
    name: "cluster-fail-back",
    sale: { ...LONG_SALE, overMs: 9_000 },
    async act(sale) {
      const { master, replica } = await pairOf(sale);
      await part(sale, 0.25);
      await master.store.kill();
      const known = sale.issued();
      await promoted(sale, master);
      await part(sale, 0.55);
      const claims = await sale.ground.raw.hLen(sale.keys.claims);
      await replica.store.kill();
      await master.store.start();
      await promoted(sale, replica);
      sale.prove("claims_forgotten", claims - known, 50);
      await replica.store.start();
    },
    after: async (sale) => sale.prove("rebuilds", (await sale.recorded()).generation - 1, 2),
  },
  {
    // The network between one server and the master drops everything; the other nodes go on answering it.
    ...COMMON,
    name: "cluster-cut-off-from-master",
    sale: { ...LONG_SALE, overMs: 7_000 },
    async act(sale) {
      const master = await masterOf(sale);
      const { redis } = sale.server(0);
      await part(sale, 0.15);
      const cutAtMs = Date.now();
      redis.blackHole(true, master.store);
      await sleep(CUT_MS);
      redis.blackHole(false, master.store);
      const healedAtMs = Date.now();
      sale.faultOver();
      sale.prove("issued_by_the_other", issuedBy(sale, 1, cutAtMs, healedAtMs), 20);
      await proveIssuedAgain(sale, 0, healedAtMs);
    },
    after: async (sale) => proveUnknownOrHeldBack(sale),
  },
];
