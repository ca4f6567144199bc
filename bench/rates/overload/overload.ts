import { crowdOf, startCrowd } from "../../load/crowd.ts";
import type { Benchmark, BenchmarkContext } from "../benchmark.ts";
import { campaignIn } from "../campaigns.ts";
import { interleaved } from "../compare.ts";
import { claims, WARM_UP_SECONDS } from "../loads.ts";
import { curvesOf, figuresOf } from "./figures.ts";
import { runStep } from "./run-step.ts";
import { nameOf, stepOf } from "./step.ts";

const TIMES = [0.5, 1, 2, 10, 50] as const;
const CLOSED_LOOPS = [64, 256] as const;
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
  async run(context) {
    const { rounds, seconds, callers, signal } = context;
    const capacity = await capacityOf(context);
    const loneCampaign = await campaignIn(context.ground, "open", LONE_COUPONS, signal);
    const crowd = startCrowd(CROWD_PROCESSES);
    try {
      const steps = TIMES.map((times) => stepOf(times, capacity, seconds));
      const runs = Object.fromEntries(
        steps.map((step) => [
          nameOf(step),
          () => runStep(context, step.times > 1 ? crowd : crowdOf([callers]), step, loneCampaign),
        ]),
      );
      const all = await interleaved(rounds, runs);
      const results = steps.map((step) => ({ step, runs: all[nameOf(step)] ?? [] }));
      const figures = [{ name: "overload_capacity", value: capacity, unit: "/s" }, ...figuresOf(results)];
      return { figures, curves: curvesOf(results) };
    } finally {
      await crowd.stop();
    }
  },
};

/** What a closed loop claims in a second, at the number of connections at which that is more. */
async function capacityOf(context: BenchmarkContext): Promise<number> {
  const { ground, signal, seconds } = context;
  const total = await context.couponsFor(CLOSED_LOOPS.length * (WARM_UP_SECONDS + seconds));
  const campaignId = await campaignIn(ground, "open", total, signal);
  const rates: number[] = [];
  for (const connections of CLOSED_LOOPS) {
    await claims(context, { campaignId, connections, seconds: WARM_UP_SECONDS });
    rates.push((await claims(context, { campaignId, connections, seconds })).perSecond);
  }
  return Math.max(...rates);
}
