import type { Benchmark } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { interleaved } from "./compare.ts";
import { cpuSeconds, cpuSecondsOfEnded, type Ground } from "./ground.ts";
import { bareLoad, claims, load, medianOf, PAST_LANE, WARM_UP_SECONDS } from "./loads.ts";

const PROCESSES = ["service", "redis", "mongodb", "load"] as const;
type CpuSeconds = Record<(typeof PROCESSES)[number], number>;

/**
 * Claims at so many connections, by the fast path and by Express, beside the yardstick, and the processor
 * time of each process for those by the fast path.
 */
export function claimsAt(connections: number): Benchmark {
  const name = `claims_${connections}`;
  return {
    name,
    what: `claims a second at ${connections} connections, by the lane and by Express, beside bare Node http with a constant answer`,
    effort: { rounds: 5, seconds: 3 },
    async run(context) {
      const { ground, rounds, seconds, signal } = context;
      const total = await context.couponsFor(2 * (WARM_UP_SECONDS + rounds * seconds));
      const campaignId = await campaignIn(ground, "open", total, signal);
      const express = { path: PAST_LANE, connections, campaignId, seconds };
      for (const warmUp of [{ connections, campaignId }, express])
        await load(context, { ...warmUp, seconds: WARM_UP_SECONDS });
      const cpu: CpuSeconds = { service: 0, redis: 0, mongodb: 0, load: 0 };
      let [claimed, elapsed] = [0, 0];
      const results = await interleaved(rounds, {
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
      });
      const rate = (variant: string) => medianOf(results[variant], "perSecond");
      const used = PROCESSES.reduce((sum, process) => sum + cpu[process], 0);
      const figures = [
        { name: `bare_${connections}`, value: rate("bare"), unit: "/s" },
        { name, value: rate("claims"), unit: "/s" },
        { name: `${name}_of_bare`, value: rate("claims") / rate("bare"), unit: "" },
        { name: `${name}_p50`, value: medianOf(results["claims"], "p50Ms"), unit: "ms" },
        { name: `${name}_p99`, value: medianOf(results["claims"], "p99Ms"), unit: "ms" },
        { name: `bare_${connections}_p99`, value: medianOf(results["bare"], "p99Ms"), unit: "ms" },
        { name: `express_${connections}`, value: rate("express"), unit: "/s" },
        { name: `express_${connections}_of_bare`, value: rate("express") / rate("bare"), unit: "" },
        { name: `express_${connections}_p99`, value: medianOf(results["express"], "p99Ms"), unit: "ms" },
        { name: `lane_over_express_${connections}`, value: rate("claims") / rate("express"), unit: "" },
        ...PROCESSES.map((process) => ({
          name: `${name}_cpu_${process}`,
          value: (cpu[process] / claimed) * 10_000,
          unit: "s per 10,000",
        })),
        { name: `${name}_cores_busy`, value: used / elapsed, unit: "cores" },
      ];
      return { figures };
    },
  };
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
