import type { Trap } from "../../../support/wire/proxy.ts";
import type { Server } from "../ground/server.ts";
import { metricOf } from "../ground/tallies.ts";
import type { Round } from "../round.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";
import { metaOf, operate, proveHistory } from "./operating.ts";
import { MOMENT_MS, part } from "./proofs.ts";

/** Coupons are added while a process is killed, and while all servers answer "sold out" from memory. */
export const additionRounds: readonly Round[] = [
  {
    name: "kill-generator-while-adding",
    sale: { total: 200, users: 300 },
    restStates: ["OPEN"],
    async act(sale) {
      await part(sale, 0.3);
      await addAndKill(sale, 16_000, async (server) =>
        server.mongodb.trap({ at: "request", kind: "insert coupons", deed: "hold", skip: 2 }),
      );
    },
    after: (sale) => proveHistory(sale, "added", 1),
  },
  {
    name: "kill-top-up",
    sale: { total: 200, users: 300 },
    restStates: ["OPEN"],
    async act(sale) {
      await sale.untilTrue("it is sold out", async () => (await sale.recorded()).state === "SOLD_OUT");
      // Codes enter the pool in twenty parts; some are in it already.
      await addAndKill(sale, 20_000, async (server) => {
        await sale.untilTrue(
          "the pool grows",
          async () => Number((await metaOf(sale))["total"]) > sale.plan.total,
        );
        return server.redis.trap({ at: "request", kind: "top-up", deed: "hold" });
      });
      await sale.ask(`${USER_PREFIX}late-comer`);
    },
    after: (sale) => proveHistory(sale, "added", 1),
  },
  {
    // No process is killed. Servers that answer "sold out" from memory have to learn of the added coupons,
    // and their winners are winners like all others.
    name: "added-after-sold-out",
    sale: { total: 200, users: 300 },
    async act(sale) {
      const { campaignId, plan } = sale;
      const soldOut = async () => (await sale.recorded()).state === "SOLD_OUT";
      await sale.untilTrue("it is sold out", soldOut);
      await untilKnownByHeart(sale);
      await operate(sale.server(1), (campaigns) => campaigns.addCoupons({ campaignId, count: ADDED }));
      const told = sale.refused("SOLD_OUT");
      const late: string[] = [];
      while (sale.issued() < plan.total + ADDED && late.length < LATE_MOST) {
        const keys = Array.from({ length: ASK_AT_ONCE }, (_, i) => `${USER_PREFIX}late-${late.length + i}`);
        late.push(...keys);
        await Promise.all(keys.map((key) => sale.ask(key)));
      }
      sale.prove("told_sold_out_before", sale.refused("SOLD_OUT") - told);
      sale.prove("added_and_issued", sale.issued() - plan.total, ADDED);
      await sale.untilTrue("it is sold out again", soldOut);
      await untilKnownByHeart(sale);
      const winners = sale.history.filter(
        ({ claimKey, outcome }) => outcome.kind === "issued" && late.includes(claimKey),
      );
      // In turns, so that each winner asks both servers.
      for (const { claimKey } of winners) for (let i = 0; i < 2; i += 1) await sale.ask(claimKey);
      sale.prove("asked_again", winners.length, ADDED);
      sale.faultOver();
    },
    after: (sale) => proveHistory(sale, "added", 1),
  },
];

/**
 * Waits until each server answers "sold out" from memory: at each, a new caller gets that answer without a
 * call to Redis.
 */
async function untilKnownByHeart(sale: Sale): Promise<void> {
  const [first, second] = [0, 1].map((index) => sale.server(index).url);
  const from = await Promise.all([first, second].map(fromMemory));
  let number = 0;
  await sale.untilTrue("both servers know by heart that all are gone", async () => {
    for (let i = 0; i < 4; i += 1) await sale.ask(`${USER_PREFIX}${sale.history.length}-asks-${number++}`);
    const now = await Promise.all([first, second].map(fromMemory));
    return now.every((count, i) => count > (from[i] ?? 0));
  });
}

async function fromMemory(url: string | undefined): Promise<number> {
  return (await metricOf(url ?? "", "coupon_answers_from_memory_total", "")) ?? 0;
}

/** Enough to be sold over some time, so that a server that missed the addition would refuse callers. */
const ADDED = 400;
const ASK_AT_ONCE = 4;
/** A bound, far above the number of callers that get "sold out" before the added coupons are in the pool. */
const LATE_MOST = 20_000;

/**
 * Adds coupons and kills the process whose call is trapped; the other continues, and in the end all codes are
 * in the pool.
 */
async function addAndKill(
  sale: Sale,
  count: number,
  trapOf: (server: Server) => Promise<Trap>,
): Promise<void> {
  const { campaignId, plan } = sale;
  const catching = sale.ground.servers.map(trapOf);
  await operate(sale.server(1), (campaigns) => campaigns.addCoupons({ campaignId, count }));
  const traps = await Promise.all(catching);
  const caught = await Promise.race(traps.map((trap, i) => trap.sprung(MOMENT_MS).then(() => i)));
  const made = await sale.ground.db.collection("coupons").countDocuments({ campaignId });
  const pooled = Number((await metaOf(sale))["total"]);
  await sale.server(caught).kill();
  sale.faultOver();
  for (const trap of traps) trap.release();
  sale.prove("codes_made", made - plan.total);
  sale.prove("codes_not_in_the_pool", plan.total + count - pooled);
  await sale.server(caught).start();
  const total = String(plan.total + count);
  await sale.untilTrue("all are in the pool", async () => (await metaOf(sale))["total"] === total);
}
