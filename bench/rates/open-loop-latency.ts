import { percentilesOf } from "../../callers/percentiles.ts";
import type { Seen, Stream } from "../load/caller-jobs.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Curve, Figure } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { BARE_CAMPAIGN, claims, load, WARM_UP_SECONDS } from "./loads.ts";

const ORDINARY_RATE = 1_000;
/** The most connections of the open loop; it takes the free one that was used last. */
const CONNECTIONS = 256;
/** The first caller is due so long after the job was sent. */
const LEAD_MS = 300;
const TOLD = [50, 99, 99.9] as const;
const DRAWN = [50, 75, 90, 95, 98, 99, 99.5, 99.9, 99.99] as const;

let streams = 0;

type CallersContext = Pick<BenchmarkContext, "ground" | "callers" | "signal">;
type Arrivals = { readonly perSecond: number; readonly seconds: number };

function streamOf(campaignId: string, { perSecond, seconds }: Arrivals): Stream {
  streams += 1;
  return {
    ...{ campaignId, perSecond, seed: streams, spacing: "random" },
    ...{ userPrefix: `o${process.pid}-${streams}-`, count: Math.round(perSecond * seconds) },
    fromMs: Date.now() + LEAD_MS,
  };
}

/** Callers of one campaign by the clock; each must get a coupon of its own that has its issuance. */
export async function comeByClock(
  { ground, callers, signal }: CallersContext,
  { campaignId, ...arrivals }: Arrivals & { readonly campaignId: string },
): Promise<readonly Seen[]> {
  const before = await issuedOf(ground, campaignId);
  const stream = streamOf(campaignId, arrivals);
  const { baseUrl } = ground.service;
  const job = { kind: "open-loop" as const, baseUrl, connections: CONNECTIONS, streams: [stream] };
  const { seen } = await callers.run(job, signal);
  checkCoupons(seen, stream.count, (await issuedOf(ground, campaignId)) - before);
  return seen;
}

/** The same callers at the yardstick: the latency of a service that does nothing, on this machine, now. */
async function comeToBare({ ground, callers, signal }: CallersContext, arrivals: Arrivals) {
  const stream = streamOf(BARE_CAMPAIGN, arrivals);
  const { baseUrl } = ground.bare;
  const job = { kind: "open-loop" as const, baseUrl, connections: CONNECTIONS, streams: [stream] };
  const { seen } = await callers.run(job, signal);
  const odd = seen.find(({ outcome }) => outcome.kind !== "issued");
  if (odd !== undefined || seen.length !== stream.count)
    throw new Trouble(`the yardstick answered ${seen.length} of ${stream.count}: ${JSON.stringify(odd)}`);
  return seen;
}

/** @throws Trouble unless each caller has a coupon of its own, and the number of issuances is the same */
export function checkCoupons(seen: readonly Seen[], callers: number, onRecord: number): void {
  const codes = new Set<string>();
  const others = new Map<string, number>();
  for (const { outcome } of seen) {
    if (outcome.kind === "issued") codes.add(outcome.code);
    else {
      const what = outcome.kind === "refused" ? outcome.reason : outcome.message;
      others.set(what, (others.get(what) ?? 0) + 1);
    }
  }
  if (codes.size === callers && onRecord === callers && seen.length === callers) return;
  const told = [...others].map(([what, count]) => `${count} times ${what}`).join(", ");
  throw new Trouble(
    `${callers} callers, ${seen.length} answers with ${codes.size} different coupons, ${onRecord} on record${told === "" ? "" : ` (${told})`}`,
  );
}

/**
 * Percentiles of each round by itself, then medians over the rounds: one slow moment of the machine does not
 * decide the figure.
 */
function over(rounds: readonly (readonly Seen[])[], percents: readonly number[]): number[] {
  const all = rounds.map((seen) => percentilesOf(seen.map(({ latencyMs }) => latencyMs)));
  return percents.map((percent) => median(all.map((latencies) => latencies.at(percent))));
}

export const openLoop: Benchmark = {
  name: "open_loop",
  what: "latency from the due time, callers by the clock: 1,000 a second (the yardstick too), and half of what a closed loop claims",
  effort: { rounds: 3, seconds: 10 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const total =
      (await context.couponsFor(WARM_UP_SECONDS + rounds * seconds)) + 20 * ORDINARY_RATE * rounds;
    const campaignId = await campaignIn(ground, "open", total, signal);
    const closed = { connections: 64, campaignId };
    await load(context, { ...closed, seconds: WARM_UP_SECONDS });
    await comeByClock(context, { campaignId, perSecond: ORDINARY_RATE, seconds: WARM_UP_SECONDS });
    // The closed loop runs before each round, so that "half of it" is half of what the machine can do now.
    const most: number[] = [];
    const ordinary = { perSecond: ORDINARY_RATE, seconds };
    const results = await interleaved(rounds, {
      bare: () => comeToBare(context, ordinary),
      ordinary: () => comeByClock(context, { campaignId, ...ordinary }),
      half: async () => {
        most.push((await claims(context, { ...closed, seconds: Math.min(3, seconds) })).perSecond);
        return comeByClock(context, { campaignId, perSecond: median(most) / 2, seconds });
      },
    });
    const halfRate = Math.round(median(most) / 2);
    const figures: Figure[] = [{ name: "open_loop_half_rate", value: halfRate, unit: "/s" }];
    for (const [name, rate] of [
      ["bare", "bare_1000"],
      ["ordinary", "1000"],
      ["half", "half"],
    ] as const) {
      const values = over(results[name] ?? [], TOLD);
      TOLD.forEach((percent, at) => {
        const figure = `open_loop_${rate}_p${String(percent).replace(".", "")}`;
        figures.push({ name: figure, value: values[at] ?? Number.NaN, unit: "ms" });
      });
    }
    const curve: Curve = {
      name: "open_loop_latency",
      unit: "ms",
      places: DRAWN.map((percent) => `p${percent}`),
      series: [
        { name: "bare, 1,000/s", values: over(results["bare"] ?? [], DRAWN) },
        { name: "1,000/s", values: over(results["ordinary"] ?? [], DRAWN) },
        { name: `${halfRate.toLocaleString("en")}/s (half)`, values: over(results["half"] ?? [], DRAWN) },
      ],
    };
    return { figures, curves: [curve] };
  },
};
