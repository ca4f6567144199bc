import { setTimeout as sleep } from "node:timers/promises";
import { percentilesOf } from "../../callers/percentiles.ts";
import type { Seen } from "../load/caller-jobs.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Curve, Figure } from "./benchmark.ts";
import { campaignAt, campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { freshService } from "./fresh-service.ts";
import { BARE_CAMPAIGN, claims, WARM_UP_SECONDS } from "./loads.ts";

const ORDINARY_RATE = 1_000;
/** Of what a closed loop claims in warm code: more, and a queue would grow in each second. */
const NEAR_CAPACITY = 0.7;
const CONNECTIONS = 256;
/** The codes are made and loaded in this time, and a warm-up is over. */
const LEAD_MS = 7_000;
/** Those who wait for the start have their connections by then: each asks once, so long before it. */
const EARLY_MS = 1_500;
/** The callers' own code must be warm, or their first second would be slow, too. */
const CALLERS_WARM_UP_SECONDS = 3;

/**
 * One second after the opening. `coupons`: answered in it. All else is of the callers who were due in it: how
 * many were refused, and the latencies of those who got a coupon, in ms.
 */
export type Second = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly coupons: number;
  readonly refused: number;
};

/** The seconds after the opening, in order. */
export function secondsOf(seen: readonly Seen[], startsAtMs: number, seconds: number): Second[] {
  const all = Array.from({ length: seconds }, () => ({ latencies: [] as number[], coupons: 0, refused: 0 }));
  const secondAt = (atMs: number) => all[Math.floor((atMs - startsAtMs) / 1_000)];
  for (const { latencyMs, answeredAtMs, outcome } of seen) {
    const due = secondAt(answeredAtMs - latencyMs);
    if (outcome.kind !== "issued") {
      if (due !== undefined) due.refused += 1;
      continue;
    }
    due?.latencies.push(latencyMs);
    const answered = secondAt(answeredAtMs);
    if (answered !== undefined) answered.coupons += 1;
  }
  return all.map(({ latencies, ...counts }) => {
    const percentiles = percentilesOf(latencies);
    return { p50Ms: percentiles.at(50), p99Ms: percentiles.at(99), ...counts };
  });
}

/** @throws Trouble unless each coupon went to one caller and is on record, and no others are */
export function checkSale(seen: readonly Seen[], onRecord: number): void {
  const codes = new Set<string>();
  let [issued, uncertain] = [0, 0];
  for (const { outcome } of seen) {
    if (outcome.kind === "issued") {
      codes.add(outcome.code);
      issued += 1;
    } else if (outcome.kind === "unknown" || outcome.reason === "UNCERTAIN") uncertain += 1;
    else if (outcome.reason !== "OVERLOADED") throw new Trouble(`a caller was refused: ${outcome.reason}`);
  }
  if (codes.size === issued && onRecord >= issued && onRecord <= issued + uncertain) return;
  throw new Trouble(
    `${issued} coupons were answered, ${codes.size} of them different, and ${onRecord} are on record`,
  );
}

const rates = ["1000", "busy"] as const;
/** `hot`: no fresh process, but one that has served for long: its first second costs no cold code. */
const settings = ["off", "on", "hot"] as const;
const keyOf = (rate: string, warmUp: string) => `${rate}_${warmUp}`;

/**
 * The first campaign of a process that has just started: callers by the clock from the instant on; before
 * that only one refusal on each of their connections.
 */
export const firstSecond: Benchmark = {
  name: "first_second",
  what: "a fresh server's first opening, callers by the clock from the instant on: each second, with WARM_UP=off and on, and of one that has served for long (hot)",
  effort: { rounds: 3, seconds: 5 },
  async run(context) {
    const { rounds, seconds } = context;
    const perSecond = {
      "1000": ORDINARY_RATE,
      busy: Math.round(NEAR_CAPACITY * (await capacityOf(context))),
    };
    let runs = 0;
    const results = await interleaved(
      rounds,
      Object.fromEntries(
        rates.flatMap((rate) =>
          settings.map((warmUp) => [
            keyOf(rate, warmUp),
            () => openOnce(context, { warmUp, perSecond: perSecond[rate], run: runs++ }),
          ]),
        ),
      ),
    );
    const figures: Figure[] = [{ name: "first_second_busy_rate", value: perSecond.busy, unit: "/s" }];
    for (const rate of rates)
      for (const warmUp of settings) figures.push(...figuresOf(rate, warmUp, results, seconds));
    return { figures, curves: rates.map((rate) => curveOf(rate, results, seconds)) };
  },
};

type Results = Readonly<Record<string, readonly (readonly Second[])[]>>;
const middle = (runs: readonly (readonly Second[])[], of: (run: readonly Second[]) => number) =>
  median(runs.map(of));
const at = (run: readonly Second[], second: number, of: keyof Second) => run[second - 1]?.[of] ?? Number.NaN;

function figuresOf(rate: string, warmUp: string, results: Results, last: number): Figure[] {
  const runs = results[keyOf(rate, warmUp)] ?? [];
  const name = `first_second_${keyOf(rate, warmUp)}`;
  const ratio = (of: keyof Second) => middle(runs, (run) => at(run, 1, of) / at(run, last, of));
  const ofSecond = (second: number, of: "p50Ms" | "p99Ms", what: string): Figure => ({
    ...{ name: `${name}_s${second}_${what}`, value: middle(runs, (run) => at(run, second, of)), unit: "ms" },
  });
  return [
    ...[ofSecond(1, "p50Ms", "p50"), ofSecond(last, "p50Ms", "p50")],
    ...[ofSecond(1, "p99Ms", "p99"), ofSecond(last, "p99Ms", "p99")],
    { name: `${name}_p50_of_last`, value: ratio("p50Ms"), unit: "" },
    { name: `${name}_p99_of_last`, value: ratio("p99Ms"), unit: "" },
    { name: `${name}_goodput_of_last`, value: ratio("coupons"), unit: "" },
    { name: `${name}_s1_refused`, value: middle(runs, (run) => at(run, 1, "refused")), unit: "" },
  ];
}

function curveOf(rate: string, results: Results, seconds: number): Curve {
  const all = Array.from({ length: seconds }, (_, index) => index + 1);
  return {
    ...{ name: `first_second_${rate}`, unit: "ms", places: all.map((second) => `second ${second}`) },
    series: settings.map((warmUp) => ({
      name: warmUp === "hot" ? "p99, a process that is hot" : `p99, warm-up ${warmUp}`,
      values: all.map((second) =>
        middle(results[keyOf(rate, warmUp)] ?? [], (run) => at(run, second, "p99Ms")),
      ),
    })),
  };
}

/** What a closed loop claims in a second, in a service that is warm. */
async function capacityOf(context: BenchmarkContext): Promise<number> {
  const total = await context.couponsFor(2 * WARM_UP_SECONDS);
  const campaignId = await campaignIn(context.ground, "open", total, context.signal);
  return (await claims(context, { campaignId, connections: 64, seconds: WARM_UP_SECONDS })).perSecond;
}

type Opening = { readonly warmUp: string; readonly perSecond: number; readonly run: number };

async function openOnce(context: BenchmarkContext, { warmUp, perSecond, run }: Opening): Promise<Second[]> {
  const { ground, callers, seconds, signal } = context;
  const stream = { perSecond, spacing: "random" as const, seed: run, userPrefix: `f${process.pid}-${run}-` };
  const bare = { ...stream, campaignId: BARE_CAMPAIGN, count: CALLERS_WARM_UP_SECONDS * perSecond };
  await callers.run(
    {
      ...{ kind: "open-loop", baseUrl: ground.bare.baseUrl, connections: CONNECTIONS },
      streams: [{ ...bare, fromMs: Date.now() + 300 }],
    },
    signal,
  );
  const fresh =
    warmUp === "hot"
      ? { ...ground.service, stop: () => Promise.resolve() }
      : await freshService(ground, { WARM_UP: warmUp }, signal);
  try {
    const count = perSecond * seconds;
    const startsAtMs = Date.now() + LEAD_MS;
    const campaignId = await campaignAt(ground, { total: count, startsAtMs }, signal);
    const leftMs = startsAtMs - Date.now();
    if (leftMs < 1_000) throw new Trouble(`the codes were made only ${leftMs} ms before the start`);
    await sleep(leftMs - EARLY_MS, undefined, { signal });
    const early = { baseUrl: fresh.baseUrl, connections: CONNECTIONS, campaignId, users: CONNECTIONS };
    await callers.run({ kind: "burst", userPrefix: "early-", ...early }, signal);
    await sleep(Math.max(0, startsAtMs - Date.now() - 500), undefined, { signal });
    const { seen } = await callers.run(
      {
        ...{ kind: "open-loop", baseUrl: fresh.baseUrl, connections: CONNECTIONS },
        streams: [{ ...stream, campaignId, count, fromMs: startsAtMs + 1 }],
      },
      signal,
    );
    checkSale(seen, await issuedOf(ground, campaignId));
    return secondsOf(seen, startsAtMs, seconds);
  } finally {
    await fresh.stop();
  }
}
