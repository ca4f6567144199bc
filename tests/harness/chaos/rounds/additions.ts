import type { Trap } from "../../../support/wire/proxy.ts";
import type { Server } from "../ground/server.ts";
import { metricOf } from "../ground/tallies.ts";
import type { Round } from "../round.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";
import { metaOf, operate, proveHistory } from "./operating.ts";
import { MOMENT_MS, part, winnersOf } from "./proofs.ts";

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
      const isAdded = async () => Number((await metaOf(sale))["total"]) > plan.total;
      await sale.untilTrue("it is sold out", soldOut);
      await untilWinnersKnown(sale);
      await operate(sale.server(1), (campaigns) => campaigns.addCoupons({ campaignId, count: ADDED }));
      // Both servers confirm "sold out" until the moment in which the coupons are in the pool.
      const refused = sale.refused("SOLD_OUT");
      await sale.untilTrue("the added coupons are in the pool", async () => {
        await askAll(sale, lateCallers(2));
        return isAdded();
      });
      sale.prove("told_sold_out_before", sale.refused("SOLD_OUT") - refused);
      // The first server gives out an added coupon; from then on, no memory of the second may be left.
      await sale.untilTrue("an added coupon is given out", async () => {
        await askAll(sale, lateCallers(1), 0);
        return sale.issued() > plan.total;
      });
      await askAll(sale, lateCallers(ASK_AT_ONCE), 1);
      while (sale.issued() < plan.total + ADDED && sale.history.length < ASKED_MOST)
        await askAll(sale, lateCallers(ASK_AT_ONCE));
      sale.prove("added_and_issued", sale.issued() - plan.total, ADDED);
      await sale.untilTrue("it is sold out again", soldOut);
      await untilWinnersKnown(sale);
      const winners = winnersOf(sale).filter((key) => key.startsWith(LATE));
      for (const server of [0, 1]) {
        // A fresh "sold out" of Redis, so that the memory of it is what can answer the winners.
        await askAll(sale, lateCallers(2), server);
        await askAll(sale, winners, server);
      }
      sale.prove("asked_again", winners.length, ADDED);
      sale.faultOver();
    },
    after: (sale) => proveHistory(sale, "added", 1),
  },
];

/** Claim keys of callers that have not asked yet. */
function lateCallers(count: number): string[] {
  return Array.from({ length: count }, () => `${LATE}${++lateCallersSoFar}`);
}

let lateCallersSoFar = 0;

async function askAll(sale: Sale, claimKeys: readonly string[], server?: number): Promise<void> {
  await Promise.all(claimKeys.map((key) => sale.ask(key, server)));
}

/**
 * Waits until each server answers from memory not only "sold out", but winners as well: each answers a winner
 * without a call to Redis. New callers ask meanwhile, since a server reads the winners upon a "sold out" of
 * Redis.
 */
async function untilWinnersKnown(sale: Sale): Promise<void> {
  const [winner] = winnersOf(sale);
  if (winner === undefined) throw new Error("nobody has a coupon");
  const known = async (server: number) => {
    await askAll(sale, lateCallers(2), server);
    const before = await fromMemory(sale, server);
    await sale.ask(winner, server);
    return (await fromMemory(sale, server)) > before;
  };
  const untilKnown = (server: number) =>
    sale.untilTrue(`server ${server} knows the winners`, () => known(server));
  await Promise.all([0, 1].map(untilKnown));
}

async function fromMemory(sale: Sale, server: number): Promise<number> {
  return (await metricOf(sale.server(server).url, "coupon_answers_from_memory_total", "")) ?? 0;
}

const LATE = `${USER_PREFIX}late-`;
/** Enough to be sold over some time, so that a server that missed the addition would refuse callers. */
const ADDED = 400;
/**
 * At one server: the one request that confirms "sold out" with Redis is then among others that a memory would
 * answer.
 */
const ASK_AT_ONCE = 24;
/** A bound, far above the number of callers that get "sold out" before the added coupons are in the pool. */
const ASKED_MOST = 20_000;

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
