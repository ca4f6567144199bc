import type { Random } from "../../callers/random.ts";
import { createAgenda } from "./agenda.ts";
import { quantile } from "./closed-loop.ts";
import type { Costs } from "./costs.ts";
import { createMachine } from "./processors.ts";
import { createServer, type Group, type Outcome, type Stores } from "./server.ts";

/** An opening that many machines serve: each server process has a core, Redis has one, MongoDB has some. */
export type OpeningPlan = {
  readonly requestsPerSecond: number;
  readonly coupons: number;
  readonly servers: number;
  readonly mongodbCores: number;
  /** Seconds before the opening, in which all are refused, and after it. */
  readonly before: number;
  readonly after: number;
};

export type Opening = {
  readonly arrived: number;
  readonly answered: Readonly<Record<Outcome, number>>;
  readonly unanswered: number;
  /** From the opening to the last code popped, and to the last issuance durable; NaN: not within the time. */
  readonly soldMs: number;
  readonly durableMs: number;
  readonly winnersMs: Readonly<Record<"p50" | "p99", number>>;
  readonly losersMs: Readonly<Record<"p50" | "p99", number>>;
  /** The most requests that waited in all claim queues together. */
  readonly mostWaiting: number;
  /** How busy each part was: the servers before the opening, all from the opening until all was durable. */
  readonly busy: Readonly<Record<"serversBefore" | "servers" | "redis" | "mongodb", number>>;
};

const SECOND_US = 1e6;
/** Requests of a server that come within so long are treated as one group. */
const STEP_US = 1_000;

export function simulateOpening(costs: Costs, plan: OpeningPlan, random: Random): Opening {
  const { requestsPerSecond, coupons, servers: count, mongodbCores, before, after } = plan;
  const agenda = createAgenda();
  const opensAtUs = before * SECOND_US;
  const redis = createMachine(agenda, 1).program();
  const mongodb = createMachine(agenda, mongodbCores).program(mongodbCores);
  const stores: Stores = { redis, mongodb, left: coupons, durable: 0, total: coupons, opensAtUs };
  const answered: Record<Outcome, number> = { issued: 0, "sold-out": 0, overloaded: 0, early: 0 };
  const latencies: Record<Outcome, Group[]> = { issued: [], "sold-out": [], overloaded: [], early: [] };
  const cpus = Array.from({ length: count }, () => createMachine(agenda, 1).program());
  const servers = cpus.map((cpu) =>
    createServer({
      ...{ agenda, costs, cpu, stores },
      answer(outcome, group) {
        answered[outcome] += group.count;
        latencies[outcome].push({ sinceUs: agenda.nowUs() - group.sinceUs, count: group.count });
      },
    }),
  );

  let arrived = 0;
  let mostWaiting = 0;
  let [soldUs, durableUs] = [Number.NaN, Number.NaN];
  const endsAtUs = opensAtUs + after * SECOND_US;
  const mean = (requestsPerSecond / count) * (STEP_US / SECOND_US);
  let marks = busyNow();
  let busyAtOpening = marks;
  let busyAtDurable: typeof marks | undefined;

  function busyNow() {
    const servers = cpus.reduce((sum, cpu) => sum + cpu.busyUs(), 0);
    return { servers, redis: redis.busyUs(), mongodb: mongodb.busyUs(), atUs: agenda.nowUs() };
  }

  function step(): void {
    for (const server of servers) {
      const requests = poisson(mean, random);
      if (requests === 0) continue;
      arrived += requests;
      server.arrive(requests);
    }
    const now = agenda.nowUs();
    if (now <= opensAtUs) busyAtOpening = busyNow();
    mostWaiting = Math.max(
      mostWaiting,
      servers.reduce((sum, server) => sum + server.waiting(), 0),
    );
    if (Number.isNaN(soldUs) && stores.left === 0) soldUs = now;
    if (Number.isNaN(durableUs) && stores.durable === coupons) {
      durableUs = now;
      busyAtDurable = busyNow();
    }
    if (now + STEP_US <= endsAtUs) agenda.after(STEP_US, step);
  }

  agenda.after(0, step);
  agenda.runUntil(endsAtUs);
  marks = busyAtDurable ?? busyNow();
  const openUs = Math.max(STEP_US, marks.atUs - busyAtOpening.atUs);
  const all = Object.values(answered).reduce((sum, one) => sum + one, 0);
  const both = (groups: readonly Group[]) => ({
    p50: quantile(groups, 0.5) / 1_000,
    p99: quantile(groups, 0.99) / 1_000,
  });
  return {
    ...{ arrived, answered, unanswered: arrived - all, mostWaiting },
    soldMs: (soldUs - opensAtUs) / 1_000,
    durableMs: (durableUs - opensAtUs) / 1_000,
    winnersMs: both(latencies.issued),
    losersMs: both(latencies["sold-out"]),
    busy: {
      serversBefore: busyAtOpening.servers / Math.max(1, busyAtOpening.atUs) / count,
      servers: (marks.servers - busyAtOpening.servers) / openUs / count,
      redis: (marks.redis - busyAtOpening.redis) / openUs,
      mongodb: (marks.mongodb - busyAtOpening.mongodb) / openUs / mongodbCores,
    },
  };
}

/** How many come in a step: Knuth's method, and for large means the normal distribution. */
function poisson(mean: number, random: Random): number {
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}
