/**
 * `npm run bench`: rates and costs of the built service on durable stores of its own, each a median of
 * interleaved runs in one go. Prints figures and judges none. Exit codes: 0 all measured, 2 could not run,
 * 130 Ctrl-C.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "../local/repository.ts";
import { drawCharts } from "./charts/draw.ts";
import { startCallers } from "./load/callers.ts";
import { expectWritable } from "./output-file.ts";
import type { Benchmark, Curve, Effort, Figure, Findings } from "./rates/benchmark.ts";
import { benchmarks } from "./rates/benchmarks.ts";
import { layGround } from "./rates/ground.ts";
import { createCouponsFor } from "./rates/loads.ts";
import { type BenchOptions, readOptions, usageOf } from "./rates/options.ts";
import { thisMachine, writeResult } from "./rates/results.ts";
import { orAborted, type Releases } from "./releases.ts";
import { runCommand } from "./run-command.ts";
import { Trouble } from "./trouble.ts";

const RESULTS_DIR = join(repositoryDir, "bench", "results");
const CHARTS_DIR = join(repositoryDir, "docs", "charts");

/**
 * A benchmark that takes longer is ended: the certificate of a million takes two minutes on a quiet machine,
 * and a quarter of an hour on one that others use.
 */
const BENCHMARK_MOST_MS = 1_200_000;

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function measure({ chosen, effortOf }: BenchOptions, releases: Releases, signal: AbortSignal) {
  const machine = thisMachine();
  const load = machine.loadAverage.toFixed(2);
  say(`bench: ${chosen.length} benchmarks on ${machine.cores} cores, load average ${load}`);
  mkdirSync(RESULTS_DIR, { recursive: true });
  expectWritable("the results in", join(RESULTS_DIR, ".begun"));
  const startedMs = performance.now();
  const ground = await layGround(releases, signal);
  const callers = startCallers();
  releases.add("the callers", () => callers.stop());
  const couponsFor = createCouponsFor(ground, signal);
  const figures: Figure[] = [];
  const curves: Curve[] = [];
  const efforts: Record<string, Effort> = {};
  for (const benchmark of chosen) {
    const effort = effortOf(benchmark);
    efforts[benchmark.name] = effort;
    say(`\n${benchmark.name}: ${benchmark.what}`);
    const found = await inTime(benchmark, signal, (signal) =>
      benchmark.run({ ground, callers, couponsFor, signal, ...effort }),
    );
    figures.push(...found.figures);
    curves.push(...(found.curves ?? []));
    for (const figure of found.figures)
      say(`  ${figure.name.padEnd(32)} ${told(figure).padStart(12)} ${figure.unit}`);
  }
  say("");
  for (const figure of figures) say(`bench: ${figure.name}=${told(figure)}`);
  say(`bench: measured in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  writeResult(RESULTS_DIR, { at: new Date().toISOString(), machine, efforts, figures, curves });
}

/**
 * @throws Trouble where the benchmark takes too long: its pending calls end with the ground's stores and
 * services
 */
async function inTime(
  { name }: Benchmark,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<Findings>,
): Promise<Findings> {
  const late = new AbortController();
  const words = `${name} was not done after ${BENCHMARK_MOST_MS / 60_000} minutes`;
  const timer = setTimeout(() => late.abort(new Trouble(words)), BENCHMARK_MOST_MS);
  const either = AbortSignal.any([signal, late.signal]);
  try {
    return await orAborted(run(either), either);
  } finally {
    clearTimeout(timer);
  }
}

function told({ value }: Figure): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

await runCommand("bench", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2), benchmarks);
  if (options.help) return { exitCode: 0, lastWord: usageOf(benchmarks) };
  if (options.charts) {
    for (const name of drawCharts(RESULTS_DIR, CHARTS_DIR)) say(`bench: drew docs/charts/${name}`);
    return { exitCode: 0 };
  }
  await measure(options, releases, controller.signal);
  return { exitCode: 0 };
});
