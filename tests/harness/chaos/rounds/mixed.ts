import { setTimeout as sleep } from "node:timers/promises";
import { shuffle } from "../../../../callers/random.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { whileDown, whilePaused } from "./down.ts";
import { flushUntilMadeAgain } from "./flush.ts";
import { part } from "./proofs.ts";

export type Fault = { readonly name: string; readonly strike: (sale: Sale) => Promise<void> };

const FAULTS_A_ROUND = 4;
const MIXED_ROUNDS = 4;
const SLOW_MS = 300;
const INSERT = "insert issuances";

/** A server at random; each fault leaves both servers running, so any fault can follow any other. */
const anyServer = (sale: Sale) => sale.server(Math.floor(sale.random() * sale.ground.servers.length));

async function cutOne(sale: Sale, store: "redis" | "mongodb", kind: string): Promise<void> {
  const trap = anyServer(sale)[store].trap({ at: "reply", kind, deed: "cut" });
  await trap.sprung(4_000).catch(() => {}); // maybe no caller asks that server any more
  trap.release();
}

export const faults: readonly Fault[] = [
  {
    name: "kill-server",
    async strike(sale) {
      const server = anyServer(sale);
      await server.kill();
      await server.start();
    },
  },
  { name: "kill-redis", strike: (sale) => whileDown(sale, "redis", () => sleep(sale.random() * 300)) },
  { name: "kill-mongodb", strike: (sale) => whileDown(sale, "mongodb", () => sleep(sale.random() * 300)) },
  { name: "pause-redis", strike: (sale) => whilePaused(sale, "redis", () => sleep(1_100)) },
  { name: "pause-mongodb", strike: (sale) => whilePaused(sale, "mongodb", () => sleep(1_100)) },
  { name: "flushall", strike: async (sale) => void (await sale.ground.raw.flushAll()) },
  { name: "script-flush", strike: async (sale) => void (await sale.ground.raw.scriptFlush()) },
  { name: "cut-claim-reply", strike: (sale) => cutOne(sale, "redis", "claim") },
  { name: "cut-insert-reply", strike: (sale) => cutOne(sale, "mongodb", INSERT) },
  {
    name: "hold-insert-over-flushall",
    async strike(sale) {
      const trap = anyServer(sale).mongodb.trap({ at: "request", kind: INSERT, deed: "hold", times: 3 });
      await trap.sprung(4_000).catch(() => {}); // maybe no caller asks that server any more
      await flushUntilMadeAgain(sale);
      trap.release();
    },
  },
  {
    name: "delay",
    async strike(sale) {
      for (const { redis, mongodb } of sale.ground.servers) {
        redis.delay(30);
        mongodb.delay(30);
      }
      await sleep(600);
      for (const { redis, mongodb } of sale.ground.servers) {
        redis.delay(0);
        mongodb.delay(0);
      }
    },
  },
];

/** Some got UNCERTAIN, OVERLOADED or a slow answer, inserts were repeated, or the pool was rebuilt. */
async function proveFelt(sale: Sale): Promise<void> {
  const slow = sale.history.filter(({ invokedAtMs, answeredAtMs }) => answeredAtMs - invokedAtMs > SLOW_MS);
  const rebuilds = (await sale.recorded()).generation - 1;
  const repeated = await sale.metric("coupon_inserts_repeated_total");
  sale.prove("felt", slow.length + sale.unknown() + sale.refused("OVERLOADED") + repeated + rebuilds);
}

/** Several faults at random moments of one sale, all drawn from the printed seed. */
export function mixed(name: string, drawn: readonly Fault[]): Round {
  return {
    name,
    sale: { total: 900, users: 1_080, overMs: 4_500 },
    async act(sale) {
      const chosen = shuffle([...drawn], sale.random).slice(0, FAULTS_A_ROUND);
      await part(sale, 0.1);
      for (const { name: fault, strike } of chosen) {
        await sleep(sale.random() * 400);
        if (sale.issued() >= sale.plan.total) break;
        await strike(sale);
        sale.faultOver();
        sale.prove(fault, 1);
      }
      sale.prove("faults", sale.evidence.length, 2);
    },
    after: proveFelt,
  };
}

export const mixedRounds: readonly Round[] = Array.from({ length: MIXED_ROUNDS }, (_, i) =>
  mixed(`mixed-${i + 1}`, faults),
);
