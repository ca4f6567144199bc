import { createAgenda } from "./agenda.ts";
import type { Costs } from "./costs.ts";
import { createMachine } from "./processors.ts";
import { createServer, type Group, type Stores } from "./server.ts";

export type ClosedLoop = { readonly perSecond: number; readonly p50Ms: number; readonly coresBusy: number };

const SECOND_US = 1e6;
const WARM_UP_US = 0.5 * SECOND_US;

export type ClosedLoopPlan = {
  readonly cores: number;
  /** The part of the machine's time that other work leaves; absent: all of it. */
  readonly share?: number;
  readonly connections: number;
  readonly seconds: number;
};

/**
 * One machine that carries a server, both stores and the load, as the benchmarks run: each connection asks
 * again as soon as it has its coupon.
 */
export function simulateClosedLoop(
  costs: Costs,
  { cores, share = 1, connections, seconds }: ClosedLoopPlan,
): ClosedLoop {
  const agenda = createAgenda();
  const machine = createMachine(agenda, cores, share);
  const callers = machine.program();
  const cpu = machine.program();
  const redis = machine.program();
  const mongodb = machine.program(cores);
  const total = Number.MAX_SAFE_INTEGER;
  const stores: Stores = { redis, mongodb, left: total, durable: 0, total, opensAtUs: 0 };
  const latencies: Group[] = [];
  const ask = (count: number) => callers.run(count * costs.callerUs, () => server.arrive(count));
  const server = createServer({
    ...{ agenda, costs, cpu, stores },
    answer(_, { sinceUs, count }) {
      if (agenda.nowUs() > WARM_UP_US) latencies.push({ sinceUs: agenda.nowUs() - sinceUs, count });
      ask(count);
    },
  });
  // They come one by one: 64 callers that move in step are the outcome, not the beginning.
  for (let i = 0; i < connections; i += 1) agenda.after(i * 50, () => ask(1));
  agenda.runUntil(WARM_UP_US + seconds * SECOND_US);
  const answered = latencies.reduce((sum, { count }) => sum + count, 0);
  const busyUs = [callers, cpu, redis, mongodb].reduce((sum, program) => sum + program.busyUs(), 0);
  return {
    perSecond: answered / seconds,
    p50Ms: quantile(latencies, 0.5) / 1_000,
    coresBusy: busyUs / agenda.nowUs(),
  };
}

/** The quantile of values that each stand for a number of requests. `sinceUs` is the value. */
export function quantile(groups: readonly Group[], at: number): number {
  const sorted = groups.toSorted((a, b) => a.sinceUs - b.sinceUs);
  const total = sorted.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { sinceUs, count } of sorted) {
    seen += count;
    if (seen >= at * total) return sinceUs;
  }
  return Number.NaN;
}
