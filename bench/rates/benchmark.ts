import type { Callers } from "../load/callers.ts";
import type { Ground } from "./ground.ts";

/** One figure of a benchmark: its name, its value, and the unit of that. */
export type Figure = { readonly name: string; readonly value: number; readonly unit: string };

/** The data of a chart: for each series its values, in the order of `places`. */
export type Curve = {
  readonly name: string;
  readonly unit: string;
  /** The labels below the chart, one for each value: percentiles, campaigns in order, … */
  readonly places: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
};

export type Findings = { readonly figures: readonly Figure[]; readonly curves?: readonly Curve[] };

/** Runs of each variant, of which the figures are medians, and the seconds of each. */
export type Effort = { readonly rounds: number; readonly seconds: number };

export type BenchmarkContext = Effort & {
  readonly ground: Ground;
  readonly callers: Callers;
  /** The coupons for so many seconds of closed-loop claims at this machine's rate, with room to spare. */
  readonly couponsFor: (seconds: number) => Promise<number>;
  readonly signal: AbortSignal;
};

export type Benchmark = {
  readonly name: string;
  readonly what: string;
  /** The default; flags can change it. */
  readonly effort: Effort;
  readonly run: (context: BenchmarkContext) => Promise<Findings>;
};
