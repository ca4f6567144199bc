import { setTimeout as sleep } from "node:timers/promises";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { whileDown, whilePaused } from "./down.ts";
import {
  part,
  proveRebuilt,
  proveRepeatedOrUnknown,
  proveUnknownAndRebuilt,
  proveUnknownOrHeldBack,
  redisInfo,
} from "./proofs.ts";

const PAUSE_MS = 2_500;

/** Proves that the campaign could not open at its start: the first coupon came after the store was back. */
function proveLateFirst(sale: Sale): void {
  let first = Number.POSITIVE_INFINITY;
  for (const { outcome, answeredAtMs } of sale.history)
    if (outcome.kind === "issued") first = Math.min(first, answeredAtMs);
  sale.prove("first_coupon_late_ms", first - sale.startsAtMs, 1_400);
}

/** A store is killed, emptied or stopped for a while. */
export const storeRounds: readonly Round[] = [
  {
    name: "kill-redis",
    quick: true,
    async act(sale) {
      await part(sale, 0.4);
      await whileDown(sale, "redis", () => sleep(200));
    },
    after: proveUnknownAndRebuilt,
  },
  {
    name: "kill-mongodb",
    quick: true,
    async act(sale) {
      await part(sale, 0.4);
      await whileDown(sale, "mongodb", () => sleep(300));
    },
    after: proveRepeatedOrUnknown,
  },
  {
    // Several, since a driver that a closing socket leaves stuck is one in about ten of them.
    name: "kill-mongodb-repeatedly",
    async act(sale) {
      for (const share of [0.1, 0.25, 0.4, 0.55, 0.7]) {
        await part(sale, share);
        await whileDown(sale, "mongodb", () => sleep(200));
      }
    },
    after: proveRepeatedOrUnknown,
  },
  {
    name: "redis-flushall",
    async act(sale) {
      await part(sale, 0.4);
      await sale.ground.raw.flushAll();
      sale.faultOver();
    },
    after: proveRebuilt,
  },
  {
    name: "script-flush",
    async act(sale) {
      await part(sale, 0.3);
      const calls = () => redisInfo(sale, "commandstats", /cmdstat_eval:calls=(\d+)/);
      const before = await calls();
      await sale.ground.raw.scriptFlush();
      sale.faultOver();
      await part(sale, 0.6);
      sale.prove("noscript", await redisInfo(sale, "errorstats", /errorstat_NOSCRIPT:count=(\d+)/));
      sale.prove("sent_whole", (await calls()) - before);
    },
  },
  {
    name: "pause-redis",
    async act(sale) {
      await part(sale, 0.4);
      await whilePaused(sale, "redis", () => sleep(PAUSE_MS));
    },
    after: async (sale) => proveUnknownOrHeldBack(sale),
  },
  {
    name: "pause-redis-across-start",
    quick: true,
    sale: { leadMs: 2_200, overMs: 2_600 },
    async act(sale) {
      await sale.untilStart(-1_000);
      await whilePaused(sale, "redis", () => sale.untilStart(PAUSE_MS - 1_000));
      sale.recovered();
    },
    after: async (sale) => proveLateFirst(sale),
  },
  {
    name: "pause-mongodb",
    async act(sale) {
      await part(sale, 0.4);
      await whilePaused(sale, "mongodb", () => sleep(PAUSE_MS));
    },
    after: async (sale) => proveUnknownOrHeldBack(sale),
  },
  {
    name: "pause-mongodb-across-start",
    sale: { leadMs: 2_200, overMs: 2_600 },
    async act(sale) {
      await sale.untilStart(-1_000);
      await whilePaused(sale, "mongodb", () => sale.untilStart(PAUSE_MS - 1_000));
      sale.recovered();
    },
    after: async (sale) => proveLateFirst(sale),
  },
];
