import { setTimeout as sleep } from "node:timers/promises";
import type { TrapSpec } from "../../../support/wire/proxy.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { flushUntilMadeAgain } from "./flush.ts";
import { MOMENT_MS, part, proveRebuilt, proveRepeated, proveUnknown, redisInfo } from "./proofs.ts";

const INSERT = "insert issuances";
const CUTS = 3;

/** Cuts some frames of one kind at each server, one after another. */
async function cutAt(sale: Sale, store: "redis" | "mongodb", spec: Omit<TrapSpec, "deed">): Promise<void> {
  await part(sale, 0.25);
  let caught = 0;
  for (let round = 0; round < CUTS; round += 1) {
    for (const server of sale.ground.servers) {
      const trap = server[store].trap({ ...spec, deed: "cut" });
      await trap.sprung(MOMENT_MS);
      caught += trap.caught;
    }
  }
  sale.faultOver();
  sale.prove("cut", caught, CUTS * sale.ground.servers.length);
}

export const networkRounds: readonly Round[] = [
  {
    name: "cut-claim-reply",
    quick: true,
    act: (sale) => cutAt(sale, "redis", { at: "reply", kind: "claim" }),
    after: async (sale) => proveUnknown(sale),
  },
  {
    name: "cut-claim-request",
    act: (sale) => cutAt(sale, "redis", { at: "request", kind: "claim" }),
    after: async (sale) => proveUnknown(sale),
  },
  {
    name: "cut-insert-reply",
    act: (sale) => cutAt(sale, "mongodb", { at: "reply", kind: INSERT }),
    after: proveRepeated,
  },
  {
    name: "cut-insert-request",
    act: (sale) => cutAt(sale, "mongodb", { at: "request", kind: INSERT }),
    after: proveRepeated,
  },
  {
    name: "cut-settle-reply",
    act: (sale) => cutAt(sale, "redis", { at: "reply", kind: "settle" }),
  },
  {
    // The ledger entries stay, and only the sweeper can settle them.
    name: "cut-settle-request",
    act: (sale) => cutAt(sale, "redis", { at: "request", kind: "settle" }),
    after: async (sale) => sale.prove("swept", await sale.metric("coupon_swept_total")),
  },
  {
    name: "delay",
    async act(sale) {
      await part(sale, 0.2);
      for (const { redis, mongodb } of sale.ground.servers) {
        redis.delay(60);
        mongodb.delay(60);
      }
      await sleep(1_500);
      for (const { redis, mongodb } of sale.ground.servers) {
        redis.delay(0);
        mongodb.delay(0);
      }
      sale.faultOver();
      const slow = sale.history.filter(
        ({ outcome, invokedAtMs, answeredAtMs }) =>
          outcome.kind === "issued" && answeredAtMs - invokedAtMs > 200,
      );
      sale.prove("slow_answers", slow.length, 20);
    },
  },
  {
    // The inserts of the last codes do not reach MongoDB until the servers have given them up, and no sweeper
    // finishes them before; meanwhile other callers are refused with SOLD_OUT.
    name: "cut-last-inserts",
    ground: { env: { COMMIT_DEADLINE_MS: "1500", SWEEP_AFTER_MS: "5000" } },
    async act(sale) {
      await part(sale, 0.6);
      await sale.untilTrue("the last codes", async () => (await sale.ground.raw.lLen(sale.keys.open)) <= 60);
      const times = Number.POSITIVE_INFINITY;
      const traps = sale.ground.servers.map(({ mongodb }) =>
        mongodb.trap({ at: "request", kind: INSERT, deed: "hold", times }),
      );
      await sale.untilTrue("some are told that all is gone", () => sale.refused("SOLD_OUT") >= 5);
      sale.prove("told_sold_out", sale.refused("SOLD_OUT"), 5);
      sale.prove(
        "held",
        traps.reduce((sum, trap) => sum + trap.caught, 0),
      );
      await sale.untilTrue("an insert is given up", () =>
        sale.ground.logLines.some((line) => line.includes("MongoDB insert: no answer within")),
      );
      for (const trap of traps) trap.cut();
      sale.faultOver();
    },
    after: async (sale) => proveUnknown(sale),
  },
  {
    // A commit for the old pool arrives after the new pool was made without it.
    name: "late-insert-after-rebuild",
    async act(sale) {
      await part(sale, 0.3);
      const times = Number.POSITIVE_INFINITY;
      const trap = sale.server(0).mongodb.trap({ at: "request", kind: INSERT, deed: "hold", times });
      await trap.sprung(MOMENT_MS);
      await flushUntilMadeAgain(sale);
      // The new pool issues coupons before the commit for the old one arrives.
      await sale.untilIssued(sale.issued() + 1);
      trap.release();
      sale.faultOver();
      sale.prove("held", trap.caught);
    },
    after: proveRebuilt,
  },
  {
    name: "redis-maxmemory",
    async act(sale) {
      await part(sale, 0.3);
      const used = await redisInfo(sale, "memory", /used_memory:(\d+)/);
      await sale.ground.raw.configSet("maxmemory", String(Math.floor(used / 2)));
      await sleep(1_200);
      await sale.ground.raw.configSet("maxmemory", "0");
      sale.faultOver();
      sale.prove("oom", await redisInfo(sale, "errorstats", /errorstat_OOM:count=(\d+)/));
    },
    after: async (sale) => proveUnknown(sale),
  },
];
