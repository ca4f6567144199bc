import type { BenchResult } from "../rates/results.ts";
import type { Chart } from "./svg.ts";

/** A chart's file name without its ending, and the chart. */
export type Drawing = { readonly file: string; readonly chart: Chart };

type CurveChart = Pick<Chart, "title" | "kind" | "placesAre"> & {
  readonly file: string;
  readonly curve: string;
};

const CURVES: readonly CurveChart[] = [
  {
    file: "open-loop-latency",
    curve: "open_loop_latency",
    title: "Latency from the due time, callers by the clock",
    kind: "lines",
    placesAre: "percentile of the callers",
  },
  {
    file: "opening-lateness",
    curve: "opening_lateness",
    title: "First coupon minus the start instant, 30 campaigns",
    kind: "lines",
    placesAre: "campaigns, in the order of their lateness",
  },
  {
    file: "pool-sizes",
    curve: "pool_sizes",
    title: "Claims a second over the coupons in the pool",
    kind: "bars",
    placesAre: "coupons in the pool when a burst of 1,000 begins",
  },
  {
    file: "reading-effect",
    curve: "reading_effect",
    title: "Claims beside an export and beside a listing",
    kind: "bars",
    placesAre: "the three run in turn; 64 connections",
  },
  {
    file: "quiet-campaign",
    curve: "quiet_campaign_latency",
    title: "A quiet campaign, alone and beside a busy one",
    kind: "lines",
    placesAre: "percentile of its callers, 50 a second",
  },
  {
    file: "overload-goodput",
    curve: "overload_goodput",
    title: "Coupons answered a second, callers by the clock",
    kind: "bars",
    placesAre: "callers due a second, times the capacity",
  },
  {
    file: "overload-latency",
    curve: "overload_latency",
    title: "Winners' latency from the due time, callers by the clock",
    kind: "lines",
    placesAre: "callers due a second, times the capacity",
  },
];

/** All of one run: the machine's other work differs between runs, so their figures are not comparable. */
const RATES: readonly (readonly [string, string])[] = [
  ["bare_64", "bare http, 64"],
  ["not_started_64", "not started, 64"],
  ["sold_out_64", "sold out, 64"],
  ["claims_64", "claims, 64"],
  ["bare_256", "bare http, 256"],
  ["claims_256", "claims, 256"],
];

/** The charts for these results (newest first): each from the newest run that measured all its values. */
export function drawingsOf(results: readonly BenchResult[]): Drawing[] {
  const drawings: Drawing[] = [];
  for (const { file, curve, ...looks } of CURVES) {
    for (const result of results) {
      const found = result.curves.find(({ name }) => name === curve);
      if (found === undefined) continue;
      const { unit, places, series } = found;
      drawings.push({ file, chart: { ...looks, note: noteOf(result), unit, places, series } });
      break;
    }
  }
  const rates = results.find(({ figures }) =>
    RATES.every(([wanted]) => figures.some(({ name }) => name === wanted)),
  );
  if (rates !== undefined) drawings.push({ file: "rates", chart: ratesChart(rates) });
  return drawings;
}

function ratesChart(result: BenchResult): Chart {
  const value = (wanted: string) => result.figures.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  return {
    title: "Answers a second, closed loop",
    note: noteOf(result),
    kind: "bars",
    unit: "answers/s",
    placesAre: "what is asked, connections",
    places: RATES.map(([, words]) => words),
    series: [{ name: "median of the runs", values: RATES.map(([name]) => value(name)) }],
  };
}

function noteOf({ machine, at }: BenchResult): string {
  const { cores, processor, memoryGiB, node, loadAverage } = machine;
  const plain = processor.replace(/\s+Processor.*$/, "").trim();
  return `${cores} shared cores (${plain}), ${memoryGiB} GiB, Node ${node.replace(/^v/, "")}, for service, stores and load; load average before ${loadAverage.toFixed(1)}; ${at.slice(0, 10)}`;
}
