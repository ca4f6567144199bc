import { setTimeout as sleep } from "node:timers/promises";
import { percentilesOf } from "../../callers/percentiles.ts";
import type { Seen } from "../load/caller-jobs.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { campaignAt, campaignIn } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { claims, load, WARM_UP_SECONDS } from "./loads.ts";
import { comeByClock } from "./open-loop-latency.ts";
import { withoutQueues } from "./without-queues.ts";

type Come = () => Promise<readonly Seen[]>;

const CONNECTIONS = 64;
const QUIET_RATE = 50;
/** The time to make a thousand codes of the pair of campaigns. */
const CODES_MS_A_THOUSAND = 40;
const LEAD_MS = 5_000;
const DRAWN = [50, 75, 90, 95, 98, 99] as const;

/** Waits until 50 ms after the instant: then both campaigns are open. */
async function past(instantMs: number, signal: AbortSignal): Promise<void> {
  const leftMs = instantMs - Date.now();
  if (leftMs < 0) throw new Trouble(`the codes of two campaigns were made ${-leftMs} ms too late`);
  await sleep(leftMs + 50, undefined, { signal });
}

export const neighbours: Benchmark = {
  name: "neighbours",
  what: "two campaigns that open at the same instant beside one alone; a quiet one, 50 callers a second, beside a busy one, and the same callers at a process of their own (apart)",
  effort: { rounds: 4, seconds: 3 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    // The two campaigns share the machine, so each needs fewer coupons.
    const each = Math.ceil(0.6 * (await context.couponsFor(WARM_UP_SECONDS + rounds * seconds)));
    const forOne = await context.couponsFor(WARM_UP_SECONDS + rounds * (3 * seconds + 2));
    const one = await campaignIn(ground, "open", forOne, signal);
    const quiet = await campaignIn(ground, "open", 1_000 + 5 * QUIET_RATE * rounds * seconds, signal);
    const startsAtMs = Date.now() + LEAD_MS + Math.ceil((2 * each * CODES_MS_A_THOUSAND) / 1_000);
    const pair = await Promise.all([0, 1].map(() => campaignAt(ground, { total: each, startsAtMs }, signal)));
    await past(startsAtMs, signal);

    /** The number of connections in all is the same for one campaign and for two. */
    const both = async (forSeconds: number) => {
      const results = await Promise.all(
        pair.map((campaignId) =>
          claims(context, { campaignId, connections: CONNECTIONS / 2, seconds: forSeconds }),
        ),
      );
      return results.map(({ perSecond }) => perSecond);
    };
    const alone = async (forSeconds: number) =>
      (await claims(context, { campaignId: one, connections: CONNECTIONS, seconds: forSeconds })).perSecond;
    await both(WARM_UP_SECONDS);
    await load(context, { campaignId: one, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    const rates = await interleaved<number[]>(rounds, {
      alone: async () => [await alone(seconds)],
      pair: () => both(seconds),
    });
    const sums = (rates["pair"] ?? []).map(([a = Number.NaN, b = Number.NaN]) => a + b);
    const ones = (rates["alone"] ?? []).map(([rate = Number.NaN]) => rate);
    const fairness = (rates["pair"] ?? []).map((two) => Math.min(...two) / Math.max(...two));
    const ratios = sums.map((sum, round) => sum / (ones[round] ?? Number.NaN));

    const calls = { campaignId: quiet, perSecond: QUIET_RATE, seconds };
    await comeByClock(context, { ...calls, seconds: WARM_UP_SECONDS });
    // The busy campaign's load runs longer than the quiet campaign's callers.
    const besideLoad = async (come: Come) => (await Promise.all([come(), alone(seconds + 1)]))[0];
    const latencies = await withoutQueues(context, async ({ baseUrl }) => {
      const apart = { ...context, ground: { ...ground, service: { ...ground.service, baseUrl } } };
      const come: Come = () => comeByClock(context, calls);
      const comeApart: Come = () => comeByClock(apart, calls);
      await comeByClock(apart, { ...calls, seconds: WARM_UP_SECONDS });
      return interleaved(rounds, {
        ...{ alone: come, beside: () => besideLoad(come) },
        ...{ apart: comeApart, apart_beside: () => besideLoad(comeApart) },
      });
    });
    const figures: Figure[] = [
      { name: "pair_sum", value: median(sums), unit: "/s" },
      { name: "pair_sum_over_one", value: median(ratios), unit: "" },
      { name: "pair_slower_over_quicker", value: median(fairness), unit: "" },
    ];
    // The percentiles of all rounds together: a round has too few callers for a p99 of its own.
    const allOf = (name: string) =>
      percentilesOf((latencies[name] ?? []).flat().map(({ latencyMs }) => latencyMs));
    const quietOnes = (["alone", "beside"] as const).map((name) => ({ name, all: allOf(name) }));
    for (const [name, beside] of Object.entries({ alone: "beside", apart: "apart_beside" }))
      for (const percent of [50, 99]) {
        const [before, after] = [allOf(name).at(percent), allOf(beside).at(percent)];
        figures.push(
          { name: `quiet_${name}_p${percent}`, value: before, unit: "ms" },
          { name: `quiet_${beside}_p${percent}`, value: after, unit: "ms" },
          { name: `quiet_${beside}_over_${name}_p${percent}`, value: after / before, unit: "" },
        );
      }
    const curve = {
      name: "quiet_campaign_latency",
      unit: "ms",
      places: DRAWN.map((percent) => `p${percent}`),
      series: quietOnes.map(({ name, all }) => ({
        name: name === "alone" ? "alone" : "beside a campaign under full load",
        values: DRAWN.map((percent) => all.at(percent)),
      })),
    };
    return { figures, curves: [curve] };
  },
};
