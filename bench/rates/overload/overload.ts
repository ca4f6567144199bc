import { crowdOf, startCrowd } from "../../load/crowd.ts";
import type { Benchmark, BenchmarkContext, Findings } from "../benchmark.ts";
import { campaignIn } from "../campaigns.ts";
import { interleaved } from "../compare.ts";
import { claims, WARM_UP_SECONDS } from "../loads.ts";
import { curvesOf, figuresOf } from "./figures.ts";
import { runStep } from "./run-step.ts";
import { startSlowService } from "./slow-service.ts";
import { nameOf, stepOf } from "./step.ts";

const TIMES = [0.5, 1, 2, 10, 50] as const;
const CROWD_PROCESSES = 4;
const LONE_COUPONS = 100_000;

/**
 * More callers than the service can serve, before, across and after the instant at which their campaign
 * opens. Up to the capacity they come from the callers' process; beyond it from several processes of the
 * lowest priority.
 */
export const overload: Benchmark = {
  name: "overload",
  what: "callers by the clock at 0.5, 1, 2, 10 and 50 times the capacity, across an opening: goodput, winners' latency, refusals, memory, event loop, recovery",
  effort: { rounds: 1, seconds: 4 },
  run: (context) => measure("overload", context, [64, 256]),
};

/** The same with a server whose capacity is small, so that many times as many callers do arrive. */
export const shedding: Benchmark = {
  name: "shedding",
  what: "the same with a capacity of about 300 a second: a slow line to Redis and small batches",
  effort: { rounds: 1, seconds: 8 },
  async run(context) {
    const slow = await startSlowService(context.ground, context.signal);
    try {
      // So many fill two batches, and wait too short to be refused.
      return await measure("shedding", { ...context, ground: slow.ground }, [10, 14]);
    } finally {
      await slow.stop();
    }
  },
};

async function measure(
  name: string,
  context: BenchmarkContext,
  closedLoops: readonly number[],
): Promise<Findings> {
  const { rounds, seconds, callers, signal } = context;
  const capacity = await capacityOf(context, closedLoops);
  const loneCampaign = await campaignIn(context.ground, "open", LONE_COUPONS, signal);
  const crowd = startCrowd(CROWD_PROCESSES);
  try {
    const steps = TIMES.map((times) => stepOf(times, capacity, seconds));
    const runs = Object.fromEntries(
      steps.map((step) => [
        nameOf(name, step),
        () => runStep(context, step.times > 1 ? crowd : crowdOf([callers]), step, loneCampaign),
      ]),
    );
    const all = await interleaved(rounds, runs);
    const results = steps.map((step) => ({ step, runs: all[nameOf(name, step)] ?? [] }));
    const figures = [{ name: `${name}_capacity`, value: capacity, unit: "/s" }, ...figuresOf(name, results)];
    return { figures, curves: curvesOf(name, results) };
  } finally {
    await crowd.stop();
  }
}

/** What a closed loop claims in a second, at the number of connections at which that is more. */
async function capacityOf(context: BenchmarkContext, closedLoops: readonly number[]): Promise<number> {
  const { ground, signal, seconds } = context;
  const total = await context.couponsFor(closedLoops.length * (WARM_UP_SECONDS + seconds));
  const campaignId = await campaignIn(ground, "open", total, signal);
  const rates: number[] = [];
  for (const connections of closedLoops) {
    await claims(context, { campaignId, connections, seconds: WARM_UP_SECONDS });
    rates.push((await claims(context, { campaignId, connections, seconds })).perSecond);
  }
  return Math.max(...rates);
}
