import { ISSUE_PATH } from "../load/http-client.ts";
import { Trouble } from "../trouble.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { cpuSeconds, type Ground, peakMemoryMb } from "./ground.ts";
import { runWrk, type WrkResult } from "./wrk.ts";

/** One figure of a benchmark: its name, its value, and what it is. */
export type Figure = { readonly name: string; readonly value: number; readonly unit: string };

export type BenchmarkContext = {
  readonly ground: Ground;
  /** Runs of each variant; the figures are medians. */
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  readonly signal: AbortSignal;
};

export type Benchmark = {
  readonly name: string;
  readonly what: string;
  readonly run: (context: BenchmarkContext) => Promise<Figure[]>;
};

/** A query leads past the hot lane, to Express and connect-express. */
const PAST_LANE = `${ISSUE_PATH}?`;
const WARM_UP_SECONDS = 2;
/** More coupons than this machine issues in a second, whatever it is. */
const COUPONS_A_SECOND = 40_000;
const ALL_BUSY_CONNECTIONS = 256;

type Load = { readonly path?: string; readonly connections: number; readonly campaignId: string };

function bareLoad({ ground, seconds, signal }: BenchmarkContext, connections: number): Promise<WrkResult> {
  const { baseUrl } = ground.bare;
  return runWrk(
    { baseUrl, path: ISSUE_PATH, campaignId: "01ARZ3NDEKTSV4RRFFQ69G5FAV", connections, seconds },
    signal,
  );
}

function load({ ground, signal }: BenchmarkContext, seconds: number, { path = ISSUE_PATH, ...rest }: Load) {
  return runWrk({ baseUrl: ground.service.baseUrl, path, seconds, ...rest }, signal);
}

/** Claims of a campaign that has coupons for all; every answer must be one of them, and on record. */
async function claims(
  context: BenchmarkContext,
  { path = ISSUE_PATH, connections, campaignId }: Load,
): Promise<WrkResult> {
  const { ground, seconds } = context;
  const before = await issuedOf(ground, campaignId);
  const result = await load(context, seconds, { path, connections, campaignId });
  const issued = (await issuedOf(ground, campaignId)) - before;
  // What was under way when the load ended is issued and was never read.
  if (result.refused > 0 || issued < result.answers || issued > result.answers + connections) {
    throw new Trouble(
      `${result.answers} answers, ${result.refused} of them refusals, but ${issued} coupons on record`,
    );
  }
  return result;
}

function couponsFor({ rounds, seconds }: BenchmarkContext, variants: number): number {
  return Math.min(5_000_000, COUPONS_A_SECOND * (rounds * seconds * variants + WARM_UP_SECONDS));
}

const rate = (results: readonly WrkResult[] | undefined) =>
  median((results ?? []).map(({ perSecond }) => perSecond));
const p99 = (results: readonly WrkResult[] | undefined) => median((results ?? []).map(({ p99Ms }) => p99Ms));

/** Claims at so many connections beside the yardstick, and what they cost each process. */
function claimsAt(connections: number): Benchmark {
  const name = `claims_${connections}`;
  return {
    name,
    what: `claims a second at ${connections} connections, beside bare Node http with a constant answer`,
    async run(context) {
      const { ground, rounds, signal } = context;
      const campaignId = await campaignIn(ground, "open", couponsFor(context, 1), signal);
      await load(context, WARM_UP_SECONDS, { connections, campaignId });
      const cpu = { service: 0, redis: 0, mongodb: 0 };
      let claimed = 0;
      const results = await interleaved(rounds, {
        bare: () => bareLoad(context, connections),
        claims: async () => {
          const before = mapPids(ground, cpuSeconds);
          const result = await claims(context, { connections, campaignId });
          const after = mapPids(ground, cpuSeconds);
          for (const process of PROCESSES) cpu[process] += after[process] - before[process];
          claimed += result.answers;
          return result;
        },
      });
      const [bare, ours] = [rate(results["bare"]), rate(results["claims"])];
      return [
        { name: `bare_${connections}`, value: bare, unit: "/s" },
        { name, value: ours, unit: "/s" },
        { name: `${name}_of_bare`, value: ours / bare, unit: "" },
        {
          name: `${name}_p50`,
          value: median((results["claims"] ?? []).map(({ p50Ms }) => p50Ms)),
          unit: "ms",
        },
        { name: `${name}_p99`, value: p99(results["claims"]), unit: "ms" },
        ...PROCESSES.map((process) => ({
          name: `${name}_cpu_${process}`,
          value: (cpu[process] / claimed) * 10_000,
          unit: "s per 10,000",
        })),
      ];
    },
  };
}

const PROCESSES = ["service", "redis", "mongodb"] as const;

function mapPids(ground: Ground, of: (pid: number) => number): Record<(typeof PROCESSES)[number], number> {
  const { service, redis, mongodb } = ground.pids;
  return { service: of(service), redis: of(redis), mongodb: of(mongodb) };
}

const doors: Benchmark = {
  name: "doors",
  what: "claims a second by the hot lane and past it, through Express and connect-express",
  async run(context) {
    const { ground, rounds, signal } = context;
    const campaignId = await campaignIn(ground, "open", couponsFor(context, 2), signal);
    for (const path of [ISSUE_PATH, PAST_LANE])
      await load(context, WARM_UP_SECONDS, { path, connections: 64, campaignId });
    const results = await interleaved(rounds, {
      lane: () => claims(context, { connections: 64, campaignId }),
      express: () => claims(context, { path: PAST_LANE, connections: 64, campaignId }),
    });
    const [lane, express] = [rate(results["lane"]), rate(results["express"])];
    return [
      { name: "lane_64", value: lane, unit: "/s" },
      { name: "express_64", value: express, unit: "/s" },
      { name: "lane_over_express", value: lane / express, unit: "" },
    ];
  },
};

const refusals: Benchmark = {
  name: "refusals",
  what: "refusals a second at 64 connections, sold out and not started, beside bare Node http",
  async run(context) {
    const { ground, rounds, signal } = context;
    const soldOut = await campaignIn(ground, "open", 100, signal);
    const notStarted = await campaignIn(ground, "scheduled", 100, signal);
    const refused = (campaignId: string) => async () => {
      const result = await load(context, context.seconds, { connections: 64, campaignId });
      if (result.refused !== result.answers) throw new Trouble("coupons were issued where none can be");
      return result;
    };
    await load(context, WARM_UP_SECONDS, { connections: 64, campaignId: soldOut });
    await load(context, WARM_UP_SECONDS, { connections: 64, campaignId: notStarted });
    const results = await interleaved(rounds, {
      bare: () => bareLoad(context, 64),
      soldOut: refused(soldOut),
      notStarted: refused(notStarted),
    });
    const bare = rate(results["bare"]);
    return (["soldOut", "notStarted"] as const).flatMap((variant) => {
      const name = variant === "soldOut" ? "sold_out_64" : "not_started_64";
      const value = rate(results[variant]);
      return [
        { name, value, unit: "/s" },
        { name: `${name}_of_bare`, value: value / bare, unit: "" },
        { name: `${name}_p99`, value: p99(results[variant]), unit: "ms" },
      ];
    });
  },
};

const poolSizes: Benchmark = {
  name: "pool_sizes",
  what: "claims a second with 100,000 and with 1,000,000 coupons in the pool",
  async run(context) {
    const { ground, rounds, signal } = context;
    const small = await campaignIn(ground, "open", couponsFor(context, 1), signal);
    const large = await campaignIn(ground, "open", 1_000_000 + couponsFor(context, 1), signal);
    const at = (campaignId: string) => () =>
      claims(context, { connections: ALL_BUSY_CONNECTIONS, campaignId });
    await load(context, WARM_UP_SECONDS, { connections: ALL_BUSY_CONNECTIONS, campaignId: small });
    const results = await interleaved(rounds, { small: at(small), large: at(large) });
    return [
      { name: "large_pool_over_small", value: rate(results["large"]) / rate(results["small"]), unit: "" },
    ];
  },
};

const generation: Benchmark = {
  name: "generation",
  what: "a million codes made, recorded and loaded",
  async run({ ground, signal }) {
    const startedAtMs = performance.now();
    await campaignIn(ground, "scheduled", 1_000_000, signal);
    return [
      { name: "million_codes", value: (performance.now() - startedAtMs) / 1_000, unit: "s" },
      { name: "million_codes_peak_memory", value: peakMemoryMb(ground.service.pid), unit: "MB" },
    ];
  },
};

/** In the order in which they run: generation first, while the service's memory has seen nothing else. */
export const benchmarks: readonly Benchmark[] = [
  generation,
  claimsAt(64),
  claimsAt(256),
  doors,
  refusals,
  poolSizes,
];
