import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Findings } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { cpuSeconds, cpuSecondsOfEnded, type Ground } from "./ground.ts";
import { bareLoad, claims, load, PAST_LANE, WARM_UP_SECONDS } from "./loads.ts";
import { type Batches, type WithoutQueues, withoutQueues } from "./without-queues.ts";
import type { WrkResult } from "./wrk.ts";

const PROCESSES = ["service", "redis", "mongodb", "load"] as const;
type CpuSeconds = Record<(typeof PROCESSES)[number], number>;
type Run = Pick<WrkResult, "perSecond"> & Partial<Pick<WrkResult, "p50Ms" | "p99Ms">>;

/** The best batches of so many callers, of whom each has one claim under way. */
const batchesOf = (callers: number): Readonly<Record<string, Batches>> => ({
  storesWhole: { size: callers, underWay: 1 },
  storesHalves: { size: Math.ceil(callers / 2), underWay: 2 },
});
/** Twice as many claims as callers: what the stores could do beyond what those callers ask. */
const BEYOND = "storesBeyond";

/**
 * Claims at so many connections, by the fast path and by Express, beside two yardsticks, and the processor
 * time of each process for those by the fast path. The yardsticks: bare Node, and the stores alone, by the
 * same two calls in the best batches of so many callers: all of them in one, or half of them with Redis while
 * the other half is with MongoDB. `ideal` is the rate of a program that adds nothing to what both cost.
 */
export function claimsAt(connections: number): Benchmark {
  const name = `claims_${connections}`;
  return {
    name,
    what: `claims a second at ${connections} connections, by the lane and by Express, beside bare Node http with a constant answer, and beside the stores alone in ideal batches`,
    effort: { rounds: 5, seconds: 3 },
    run: (context) => withoutQueues(context, (claimer) => measure(context, claimer, connections)),
  };
}

async function measure(
  context: BenchmarkContext,
  claimer: WithoutQueues,
  connections: number,
): Promise<Findings> {
  const name = `claims_${connections}`;
  const { ground, rounds, seconds, signal } = context;
  const total = await context.couponsFor(5 * (WARM_UP_SECONDS + rounds * seconds));
  const campaignId = await campaignIn(ground, "open", total, signal);
  const express = { path: PAST_LANE, connections, campaignId, seconds };
  for (const warmUp of [{ connections, campaignId }, express])
    await load(context, { ...warmUp, seconds: WARM_UP_SECONDS });
  const cpu: CpuSeconds = { service: 0, redis: 0, mongodb: 0, load: 0 };
  let [claimed, elapsed] = [0, 0];
  const results = await interleaved<Run>(rounds, {
    bare: () => bareLoad(context, connections),
    claims: async () => {
      const before = cpuNow(ground);
      const result = await claims(context, { connections, campaignId, seconds });
      const after = cpuNow(ground);
      for (const process of PROCESSES) cpu[process] += after[process] - before[process];
      claimed += result.answers;
      elapsed += result.answers / result.perSecond;
      return result;
    },
    express: () => claims(context, express),
    ...Object.fromEntries(
      Object.entries({ ...batchesOf(connections), [BEYOND]: { size: connections, underWay: 2 } }).map(
        ([name, batches]) => [name, () => storesAlone(context, claimer, campaignId, batches)],
      ),
    ),
  });
  const middle = (variant: string, of: keyof Run) =>
    median((results[variant] ?? []).map((run) => run[of] ?? Number.NaN));
  const rate = (variant: string) => middle(variant, "perSecond");
  const stores = Math.max(...Object.keys(batchesOf(connections)).map(rate));
  const ideal = idealRate(rate("bare"), stores);
  const used = PROCESSES.reduce((sum, process) => sum + cpu[process], 0);
  const figures = [
    { name: `bare_${connections}`, value: rate("bare"), unit: "/s" },
    { name, value: rate("claims"), unit: "/s" },
    { name: `${name}_of_bare`, value: rate("claims") / rate("bare"), unit: "" },
    { name: `stores_limit_${connections}`, value: stores, unit: "/s" },
    { name: `stores_beyond_${connections}`, value: rate(BEYOND), unit: "/s" },
    { name: `ideal_${connections}`, value: ideal, unit: "/s" },
    { name: `${name}_of_ideal`, value: rate("claims") / ideal, unit: "" },
    {
      name: `${name}_of_ideal_beyond`,
      value: rate("claims") / idealRate(rate("bare"), rate(BEYOND)),
      unit: "",
    },
    { name: `${name}_p50`, value: middle("claims", "p50Ms"), unit: "ms" },
    { name: `${name}_p99`, value: middle("claims", "p99Ms"), unit: "ms" },
    { name: `bare_${connections}_p99`, value: middle("bare", "p99Ms"), unit: "ms" },
    { name: `express_${connections}`, value: rate("express"), unit: "/s" },
    { name: `express_${connections}_of_bare`, value: rate("express") / rate("bare"), unit: "" },
    { name: `express_${connections}_of_ideal`, value: rate("express") / ideal, unit: "" },
    { name: `express_${connections}_p99`, value: middle("express", "p99Ms"), unit: "ms" },
    { name: `lane_over_express_${connections}`, value: rate("claims") / rate("express"), unit: "" },
    ...PROCESSES.map((process) => ({
      name: `${name}_cpu_${process}`,
      value: (cpu[process] / claimed) * 10_000,
      unit: "s per 10,000",
    })),
    { name: `${name}_cores_busy`, value: used / elapsed, unit: "cores" },
  ];
  return { figures };
}

/** Two costs of one request, one after the other on the same cores. */
export function idealRate(barePerSecond: number, storesPerSecond: number): number {
  return 1 / (1 / barePerSecond + 1 / storesPerSecond);
}

/** Claims in batches straight to the stores; each must have its issuance. */
async function storesAlone(
  { ground, seconds }: BenchmarkContext,
  claimer: WithoutQueues,
  campaignId: string,
  batches: Batches,
): Promise<Run> {
  const before = await issuedOf(ground, campaignId);
  const run = await claimer.batches(campaignId, seconds, batches);
  const issued = (await issuedOf(ground, campaignId)) - before;
  if (issued !== run.claims) throw new Trouble(`${run.claims} claims in batches, but ${issued} on record`);
  return run;
}

function cpuNow({ pids }: Ground): CpuSeconds {
  const { service, redis, mongodb } = pids;
  return {
    service: cpuSeconds(service),
    redis: cpuSeconds(redis),
    mongodb: cpuSeconds(mongodb),
    load: cpuSecondsOfEnded(),
  };
}
