import { setTimeout as sleep } from "node:timers/promises";
import { MASTER_NAME } from "../../../../local/redis-group/sentinel.ts";
import type { GroupNode } from "../../../../local/redis-group/settings.ts";
import type { SentinelGroup } from "../../../support/redis-group.ts";
import type { GroundPlan } from "../ground/ground.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { issuedBy, proveIssuedAgain } from "./cut-off.ts";
import { type Fault, faults, mixed } from "./mixed.ts";
import {
  askUntilMadeHere,
  part,
  proveRebuilt,
  proveUnknownAndRebuilt,
  proveUnknownOrHeldBack,
} from "./proofs.ts";

const FAILS_OVER: GroundPlan = { sentinel: { failedAfterMs: 3_000 } };
/** Callers keep arriving over a failover. */
const LONG_SALE = { total: 700, users: 860, overMs: 6_000 };
const COMMON = { forms: ["sentinel"], ground: FAILS_OVER, sale: LONG_SALE } as const;
const CUT_MS = 4_000;
const MIXED_ROUNDS = 2;
/** Of the faults of any Redis, those that do not need one at a fixed place. */
const ALSO = ["kill-server", "kill-mongodb", "pause-mongodb", "cut-claim-reply", "cut-insert-reply", "delay"];

function sentinelsOf({ ground }: Sale): SentinelGroup {
  if (ground.sentinels === undefined) throw new Error("no Sentinels watch the Redis of this round");
  return ground.sentinels;
}

/** The master that the Sentinels name. */
async function masterOf(sale: Sale): Promise<GroupNode> {
  await sale.ground.follow();
  return sentinelsOf(sale).data.find((node) => node === sale.ground.redis) as GroupNode;
}

/** Waits until the Sentinels name another master than `left`, which serves, and proves that. */
async function promoted(sale: Sale, left: GroupNode): Promise<void> {
  await sale.untilTrue("the Sentinels promote another Redis", async () => {
    await sale.ground.follow();
    return sale.ground.redis !== left;
  });
  sale.faultOver();
  sale.prove("promoted", 1);
  await askUntilMadeHere(sale);
}

/**
 * Waits until a Redis that was the master follows the new one. The Sentinel that tells it to cuts its
 * connections.
 */
async function follows(sale: Sale, node: GroupNode): Promise<void> {
  await sale.untilTrue("the old master follows", async () => {
    const replication = String(await node.ask("INFO", "replication").catch(() => ""));
    return /role:slave[\s\S]*master_link_status:up/.test(replication);
  });
  sale.prove("came_back", 1);
}

/**
 * Has the Sentinels replace the master `left`. A Sentinel is asked again while a failover that has just ended
 * keeps it from another, and where it has given one up: it makes no second one by itself.
 */
async function failOver(sale: Sale, left: GroupNode): Promise<void> {
  const [asked] = sentinelsOf(sale).sentinels as [GroupNode];
  await sale.untilTrue("the Sentinels make a failover", async () => {
    if ((await masterOf(sale)) !== left) return true;
    await asked.ask("SENTINEL", "FAILOVER", MASTER_NAME).catch(() => undefined);
    return false;
  });
  await promoted(sale, left);
}

const sentinelFaults: readonly Fault[] = [
  {
    name: "kill-master",
    async strike(sale) {
      const master = await masterOf(sale);
      await master.kill();
      await promoted(sale, master);
      await master.start();
    },
  },
  {
    name: "failover",
    async strike(sale) {
      const master = await masterOf(sale);
      await failOver(sale, master);
    },
  },
  {
    name: "kill-sentinel",
    async strike(sale) {
      const [sentinel] = sentinelsOf(sale).sentinels as [GroupNode];
      await sentinel.kill();
      await sleep(sale.random() * 1_000);
      await sentinel.start();
    },
  },
];

/** The master is replaced by its Sentinels, or they are away. */
export const sentinelRounds: readonly Round[] = [
  {
    // It comes back as a master with what it had, and is one until the Sentinels turn it into a replica.
    ...COMMON,
    name: "sentinel-master-killed",
    quick: true,
    async act(sale) {
      const master = await masterOf(sale);
      await part(sale, 0.3);
      await master.kill();
      await promoted(sale, master);
      await master.start();
      sale.faultOver();
      await follows(sale, master);
    },
    after: proveUnknownAndRebuilt,
  },
  {
    // Connections to it stay, and it wakes up as a master with a valid token.
    ...COMMON,
    name: "sentinel-master-hangs",
    async act(sale) {
      const master = await masterOf(sale);
      await part(sale, 0.3);
      master.pause();
      await promoted(sale, master);
      await part(sale, 0.5);
      master.resume();
      sale.faultOver();
    },
    after: proveUnknownAndRebuilt,
  },
  {
    ...COMMON,
    name: "sentinel-failover",
    quick: true,
    async act(sale) {
      const master = await masterOf(sale);
      await part(sale, 0.3);
      await failOver(sale, master);
    },
    after: proveRebuilt,
  },
  {
    // The master serves on, and nobody replaces it when it is killed, until they are back.
    ...COMMON,
    name: "sentinel-all-down",
    async act(sale) {
      const { sentinels } = sentinelsOf(sale);
      const master = await masterOf(sale);
      await part(sale, 0.2);
      await Promise.all(sentinels.map((node) => node.kill()));
      const before = sale.issued();
      await part(sale, 0.5);
      sale.prove("issued_without_sentinels", sale.issued() - before, 20);
      await master.kill();
      await sleep(CUT_MS);
      await Promise.all(sentinels.map((node) => node.start()));
      await promoted(sale, master);
    },
    after: proveUnknownAndRebuilt,
  },
  {
    // The network between one server and the master drops everything; the Sentinels reach both.
    ...COMMON,
    name: "sentinel-cut-off-from-master",
    sale: { ...LONG_SALE, overMs: 7_000 },
    async act(sale) {
      const master = await masterOf(sale);
      await part(sale, 0.15);
      const { redis } = sale.server(0);
      const cutAtMs = Date.now();
      redis.blackHole(true, master);
      await sleep(CUT_MS);
      redis.blackHole(false, master);
      const healedAtMs = Date.now();
      sale.faultOver();
      sale.prove("issued_by_the_other", issuedBy(sale, 1, cutAtMs, healedAtMs), 20);
      await proveIssuedAgain(sale, 0, healedAtMs);
    },
    after: async (sale) => proveUnknownOrHeldBack(sale),
  },
  {
    // One server hears nothing of a failover: it goes on at the old master, which the others have left.
    ...COMMON,
    name: "sentinel-old-master-in-use",
    sale: { ...LONG_SALE, overMs: 8_000 },
    async act(sale) {
      const { sentinels, data } = sentinelsOf(sale);
      const master = await masterOf(sale);
      await part(sale, 0.15);
      const { redis } = sale.server(0);
      const others = [...sentinels, ...data.filter((node) => node !== master)];
      for (const node of others) redis.blackHole(true, node);
      const cutAtMs = Date.now();
      await failOver(sale, master);
      await sleep(CUT_MS);
      for (const node of others) redis.blackHole(false, node);
      const healedAtMs = Date.now();
      sale.faultOver();
      sale.prove("issued_by_the_other", issuedBy(sale, 1, cutAtMs, healedAtMs), 20);
    },
    after: proveRebuilt,
  },
  ...Array.from(
    { length: MIXED_ROUNDS },
    (_, i): Round => ({
      ...mixed(`sentinel-mixed-${i + 1}`, [
        ...sentinelFaults,
        ...faults.filter(({ name }) => ALSO.includes(name)),
      ]),
      ...COMMON,
      sale: { total: 1_200, users: 1_440, overMs: 9_000 },
    }),
  ),
];
