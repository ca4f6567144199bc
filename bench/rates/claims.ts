import { ISSUE_PATH } from "../../load/http-client.ts";
import type { Benchmark } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { interleaved } from "./compare.ts";
import { cpuSeconds, type Ground } from "./ground.ts";
import { bareLoad, claims, load, medianOf, PAST_LANE, WARM_UP_SECONDS } from "./loads.ts";

const PROCESSES = ["service", "redis", "mongodb"] as const;

/** Claims at so many connections beside the yardstick, and what they cost each process. */
export function claimsAt(connections: number): Benchmark {
  const name = `claims_${connections}`;
  return {
    name,
    what: `claims a second at ${connections} connections, beside bare Node http with a constant answer`,
    effort: { rounds: 5, seconds: 3 },
    async run(context) {
      const { ground, rounds, seconds, signal } = context;
      const total = await context.couponsFor(WARM_UP_SECONDS + rounds * seconds);
      const campaignId = await campaignIn(ground, "open", total, signal);
      await load(context, { connections, campaignId, seconds: WARM_UP_SECONDS });
      const cpu = { service: 0, redis: 0, mongodb: 0 };
      let claimed = 0;
      const results = await interleaved(rounds, {
        bare: () => bareLoad(context, connections),
        claims: async () => {
          const before = mapPids(ground, cpuSeconds);
          const result = await claims(context, { connections, campaignId, seconds });
          const after = mapPids(ground, cpuSeconds);
          for (const process of PROCESSES) cpu[process] += after[process] - before[process];
          claimed += result.answers;
          return result;
        },
      });
      const [bare, ours] = [medianOf(results["bare"], "perSecond"), medianOf(results["claims"], "perSecond")];
      const figures = [
        { name: `bare_${connections}`, value: bare, unit: "/s" },
        { name, value: ours, unit: "/s" },
        { name: `${name}_of_bare`, value: ours / bare, unit: "" },
        { name: `${name}_p50`, value: medianOf(results["claims"], "p50Ms"), unit: "ms" },
        { name: `${name}_p99`, value: medianOf(results["claims"], "p99Ms"), unit: "ms" },
        ...PROCESSES.map((process) => ({
          name: `${name}_cpu_${process}`,
          value: (cpu[process] / claimed) * 10_000,
          unit: "s per 10,000",
        })),
      ];
      return { figures };
    },
  };
}

function mapPids(ground: Ground, of: (pid: number) => number): Record<(typeof PROCESSES)[number], number> {
  const { service, redis, mongodb } = ground.pids;
  return { service: of(service), redis: of(redis), mongodb: of(mongodb) };
}

export const doors: Benchmark = {
  name: "doors",
  what: "claims a second by the hot lane and past it, through Express and connect-express",
  effort: { rounds: 3, seconds: 3 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const total = await context.couponsFor(2 * (WARM_UP_SECONDS + rounds * seconds));
    const campaignId = await campaignIn(ground, "open", total, signal);
    for (const path of [ISSUE_PATH, PAST_LANE])
      await load(context, { path, connections: 64, campaignId, seconds: WARM_UP_SECONDS });
    const results = await interleaved(rounds, {
      lane: () => claims(context, { connections: 64, campaignId, seconds }),
      express: () => claims(context, { path: PAST_LANE, connections: 64, campaignId, seconds }),
    });
    const [lane, express] = [
      medianOf(results["lane"], "perSecond"),
      medianOf(results["express"], "perSecond"),
    ];
    const figures = [
      { name: "lane_64", value: lane, unit: "/s" },
      { name: "express_64", value: express, unit: "/s" },
      { name: "lane_over_express", value: lane / express, unit: "" },
    ];
    return { figures };
  },
};
