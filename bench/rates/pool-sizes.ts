import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { checkCoupons } from "./open-loop-latency.ts";

/** Coupons in the pool when a burst begins. */
const SIZES = { "1k": 1_000, "100k": 100_000, "1m": 1_000_000 } as const;
type Size = keyof typeof SIZES;

/** Claims of a burst: the smallest pool is sold out by exactly one. */
const BURST = SIZES["1k"];
const CONNECTIONS = 64;
/** The number of campaigns that are made at the same time. */
const MADE_AT_ONCE = 8;

let bursts = 0;

/** Each of `users` asks once, over 64 connections. */
async function press({ ground, callers, signal }: BenchmarkContext, campaignId: string, users: number) {
  bursts += 1;
  const userPrefix = `b${process.pid}-${bursts}-`;
  const { baseUrl } = ground.service;
  return callers.run(
    { kind: "burst", baseUrl, connections: CONNECTIONS, campaignId, userPrefix, users },
    signal,
  );
}

/** Claims a second of a burst: each caller must get a coupon, and the number of issuances is the same. */
async function burst(context: BenchmarkContext, campaignId: string): Promise<number> {
  const before = await issuedOf(context.ground, campaignId);
  const { seen, seconds } = await press(context, campaignId, BURST);
  checkCoupons(seen, BURST, (await issuedOf(context.ground, campaignId)) - before);
  return BURST / seconds;
}

/**
 * A pool of a thousand coupons is soon empty, so all sizes are compared by bursts of a thousand claims by the
 * same callers, in turn, with a new small campaign for each round. One claim is made before each burst, so
 * that no burst includes the look-up of its campaign; the small campaign has one more coupon for it. The
 * larger pools lose a thousand coupons a round, which does not change their order of magnitude. Ratios are
 * taken round by round, so that the machine's other work affects all three sizes alike.
 */
export const poolSizes: Benchmark = {
  name: "pool_sizes",
  what: "claims a second with 1,000, 100,000 and 1,000,000 coupons in the pool, in bursts of 1,000",
  effort: { rounds: 30, seconds: 1 },
  async run(context) {
    const { ground, rounds, signal } = context;
    const open = (total: number) => campaignIn(ground, "open", total, signal);
    const small: string[] = [];
    while (small.length < rounds + 1) {
      const wanted = Math.min(MADE_AT_ONCE, rounds + 1 - small.length);
      small.push(...(await Promise.all(Array.from({ length: wanted }, () => open(SIZES["1k"] + 1)))));
    }
    const [middle, large] = [await open(SIZES["100k"]), await open(SIZES["1m"])];
    const warm = small.pop();
    if (warm === undefined) throw new Trouble("no campaign to warm up with");
    for (const campaignId of [warm, middle, large]) await burst(context, campaignId);
    const at = (campaignOf: (round: number) => string | undefined) => async (round: number) => {
      const campaignId = campaignOf(round);
      if (campaignId === undefined) throw new Trouble(`no campaign for round ${round}`);
      await press(context, campaignId, 1);
      return burst(context, campaignId);
    };
    const rates = await interleaved<number>(rounds, {
      "1k": at((round) => small[round]),
      "100k": at(() => middle),
      "1m": at(() => large),
    });
    const of = (size: Size) => rates[size] ?? [];
    const ratio = (size: Size) =>
      median(of("1m").map((rate, round) => rate / (of(size)[round] ?? Number.NaN)));
    const sizes = Object.keys(SIZES) as Size[];
    return {
      figures: [
        ...sizes.map((size) => ({ name: `pool_${size}_burst`, value: median(of(size)), unit: "/s" })),
        { name: "pool_1m_over_1k", value: ratio("1k"), unit: "" },
        { name: "pool_1m_over_100k", value: ratio("100k"), unit: "" },
      ],
      curves: [
        {
          name: "pool_sizes",
          unit: "claims/s",
          places: sizes.map((size) => SIZES[size].toLocaleString("en")),
          series: [{ name: "median of the bursts", values: sizes.map((size) => median(of(size))) }],
        },
      ],
    };
  },
};
