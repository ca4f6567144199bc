import { numberFlag } from "../number-flag.ts";
import { parseFlags } from "../parse-flags.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, Effort } from "./benchmark.ts";

export type BenchOptions = {
  readonly chosen: readonly Benchmark[];
  /** The effort of each benchmark: from the flags, else its own. */
  readonly effortOf: (benchmark: Benchmark) => Effort;
  /** Only draw the charts, from earlier results. */
  readonly charts: boolean;
  readonly help: boolean;
};

export function usageOf(benchmarks: readonly Benchmark[]): string {
  const lines = benchmarks.map(
    ({ name, what, effort: { rounds, seconds } }) =>
      `  ${name.padEnd(12)} ${what}${rounds * seconds > 1 ? ` (${rounds} rounds of ${seconds} s)` : ""}`,
  );
  return `npm run bench -- [flags]
  --only NAME[,NAME]  these alone, in the order below
  --rounds N          runs of each variant, in turn; the figures are medians (default: below)
  --seconds N         of each run (default: below)
  --charts            measure nothing; draw docs/charts/*.svg of the newest results in bench/results
  --help

Benchmarks, all of them unless --only names some:
${lines.join("\n")}

Figures go to standard output, as a table and as "bench: name=value" lines, and to bench/results/<time>.json. Needs wrk and (sinks) rabbitmq-server, which
set-up installs. Exit codes: 0 all measured, 2 it could not, or a check of what was measured failed, 130 Ctrl-C.
`;
}

const FLAGS = {
  only: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  charts: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** @throws Trouble for flags that cannot be understood */
export function readOptions(args: string[], benchmarks: readonly Benchmark[]): BenchOptions {
  const values = parseFlags(args, FLAGS);
  const names = values.only?.split(",");
  const known = benchmarks.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Trouble(`there is no benchmark "${unknown}"; there are ${known.join(", ")}`);
  const rounds = optional("rounds", values.rounds, 100);
  const seconds = optional("seconds", values.seconds, 60);
  return {
    chosen: benchmarks.filter(({ name }) => names?.includes(name) ?? true),
    effortOf: ({ effort }) => ({ rounds: rounds ?? effort.rounds, seconds: seconds ?? effort.seconds }),
    charts: values.charts,
    help: values.help,
  };
}

function optional(name: string, text: string | undefined, most: number): number | undefined {
  return text === undefined ? undefined : numberFlag(name, text, 1, most);
}
