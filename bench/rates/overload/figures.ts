import type { Curve, Figure } from "../benchmark.ts";
import { median } from "../compare.ts";
import { p99Of } from "./looks.ts";
import type { StepResult } from "./run-step.ts";
import { nameOf, type Step } from "./step.ts";

/** The runs of each step, in the order of the steps. */
export type Results = readonly { readonly step: Step; readonly runs: readonly StepResult[] }[];

const middle = (runs: readonly StepResult[], of: (run: StepResult) => number) => median(runs.map(of));

/** Medians of the runs. */
export function figuresOf(benchmark: string, results: Results): Figure[] {
  const goodputAtOne = results
    .filter(({ step }) => step.times === 1)
    .map(({ runs }) => middle(runs, ({ wave }) => wave.goodput))[0];
  return results.flatMap(({ step, runs }) => {
    const name = nameOf(benchmark, step);
    const figure = (what: string, unit: string, of: (run: StepResult) => number): Figure => ({
      ...{ name: `${name}_${what}`, value: middle(runs, of), unit },
    });
    const reasons = new Set(runs.flatMap(({ wave }) => Object.keys(wave.refusals)));
    const goodput = figure("goodput", "/s", ({ wave }) => wave.goodput);
    return [
      { name: `${name}_due`, value: step.perSecond, unit: "/s" },
      figure("sent", "/s", ({ wave }) => wave.sentPerSecond),
      goodput,
      { name: `${name}_goodput_of_1`, value: goodput.value / (goodputAtOne ?? Number.NaN), unit: "" },
      figure("p50", "ms", ({ wave }) => wave.p50Ms),
      figure("p99", "ms", ({ wave }) => wave.p99Ms),
      figure("p999", "ms", ({ wave }) => wave.p999Ms),
      figure("written_p99", "ms", ({ wave }) => wave.writtenP99Ms),
      ...[...reasons]
        .sort()
        .map((reason) =>
          figure(`refused_${reason.toLowerCase()}`, "", ({ wave }) => wave.refusals[reason] ?? 0),
        ),
      figure("broken", "", ({ wave }) => wave.broken),
      figure("unanswered", "", ({ wave }) => wave.unanswered),
      figure("unread", "", ({ unread }) => unread),
      figure("unsent", "", ({ wave }) => wave.unsent),
      figure("health_p99", "ms", ({ looks }) => p99Of(looks.healthMs)),
      figure("operators_p99", "ms", ({ looks }) => p99Of(looks.operatorsMs)),
      figure("peak_memory", "MB", ({ memoryMb }) => memoryMb),
      figure("loop_p99", "ms", ({ loop }) => loop.p99Ms),
      figure("loop_max", "ms", ({ loop }) => loop.maxMs),
      figure("normal_after", "s", (run) => run.recoveredAfterMs / 1_000),
      figure("checks_held", "", ({ checksHeld }) => checksHeld),
    ];
  });
}

export function curvesOf(benchmark: string, results: Results): Curve[] {
  const places = results.map(({ step }) => String(step.times));
  const series = (name: string, of: (run: StepResult) => number) => ({
    name,
    values: results.map(({ runs }) => middle(runs, of)),
  });
  return [
    {
      ...{ name: `${benchmark}_goodput`, unit: "coupons/s", places },
      series: [series("coupons answered a second", ({ wave }) => wave.goodput)],
    },
    {
      ...{ name: `${benchmark}_latency`, unit: "ms", places },
      series: [
        series("p50", ({ wave }) => wave.p50Ms),
        series("p99", ({ wave }) => wave.p99Ms),
        series("p99.9", ({ wave }) => wave.p999Ms),
      ],
    },
  ];
}
