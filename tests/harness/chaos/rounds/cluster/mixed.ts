import { setTimeout as sleep } from "node:timers/promises";
import { slotMigration } from "../../../../support/slot-migration.ts";
import type { Round } from "../../round.ts";
import { type Fault, faults, mixed } from "../mixed.ts";
import { askUntilMadeHere } from "../proofs.ts";
import { clusterOf, FAILS_OVER, masterOf, pairOf, promoted } from "./nodes.ts";
import { restartAll } from "./outage.ts";

const MIXED_ROUNDS = 3;
const CUT_MS = 1_500;
/** Of the faults of any Redis, those that do not need one at a fixed place. */
const ALSO = ["kill-server", "kill-mongodb", "pause-mongodb", "cut-claim-reply", "cut-insert-reply", "delay"];

/** Each leaves a cluster in which every master of a slot serves and has its replica. */
const clusterFaults: readonly Fault[] = [
  {
    name: "kill-master",
    async strike(sale) {
      const { master } = await pairOf(sale);
      await master.store.kill();
      await promoted(sale, master);
      await master.store.start();
      await clusterOf(sale).untilOk();
    },
  },
  {
    name: "failover",
    async strike(sale) {
      const { master, replica } = await pairOf(sale);
      await replica.ask("CLUSTER", "FAILOVER");
      await promoted(sale, master);
      await clusterOf(sale).untilOk();
    },
  },
  {
    name: "migrate-slot",
    async strike(sale) {
      const migration = await slotMigration(clusterOf(sale), sale.keys.meta);
      await migration.begin();
      await sleep(300);
      while ((await migration.moveKeys()) > 0);
      await migration.finish();
      await sale.ground.follow();
      await askUntilMadeHere(sale);
    },
  },
  {
    name: "cut-off-from-master",
    async strike(sale) {
      const master = await masterOf(sale);
      const { redis } = sale.server(Math.floor(sale.random() * sale.ground.servers.length));
      redis.blackHole(true, master.store);
      await sleep(CUT_MS);
      redis.blackHole(false, master.store);
    },
  },
  { name: "restart-all", strike: restartAll },
];

export const clusterMixedRounds: readonly Round[] = Array.from({ length: MIXED_ROUNDS }, (_, i) => ({
  ...mixed(`cluster-mixed-${i + 1}`, [...clusterFaults, ...faults.filter(({ name }) => ALSO.includes(name))]),
  forms: ["cluster"],
  ...(i === 0 ? { quick: true } : {}),
  ground: FAILS_OVER,
  sale: { total: 1_200, users: 1_440, overMs: 9_000 },
}));
