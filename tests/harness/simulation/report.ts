import type { PlantName } from "./plants.ts";
import type { SeedResult } from "./run-seed.ts";

export type Report = {
  begin(seed: number): void;
  add(result: SeedResult): void;
  /** Reports that the current seed has failed. */
  fail(what: string): void;
  hasFailed(): boolean;
  /** Prints the last lines; returns the exit code. */
  end(): number;
};

const PROGRESS_EVERY_MS = 5_000;
const SHOWN_MAX = 10;

export function createReport(first: number, plant: PlantName | undefined): Report {
  const startedAtMs = Date.now();
  const hazards = new Map<string, number>();
  const failures: string[] = [];
  let seeds = 0;
  let steps = 0;
  let current = first;
  let failedSeed: number | undefined;
  let slowestAnswerMs = 0;
  let hash = "";
  let shownAtMs = startedAtMs;
  const seconds = () => ((Date.now() - startedAtMs) / 1_000).toFixed(1);

  function fail(what: string): void {
    failedSeed ??= current;
    failures.push(what);
  }

  console.log(`simulate: from seed ${first}${plant === undefined ? "" : `, planted: ${plant}`}`);
  return {
    begin(seed) {
      current = seed;
    },
    add(result) {
      seeds++;
      steps += result.steps;
      hash = result.hash;
      slowestAnswerMs = Math.max(slowestAnswerMs, result.answeredAfterMs);
      for (const [name, times] of result.hazards) hazards.set(name, (hazards.get(name) ?? 0) + times);
      for (const violation of result.violations) fail(violation);
      if (Date.now() - shownAtMs < PROGRESS_EVERY_MS) return;
      shownAtMs = Date.now();
      console.log(`  ${seconds()} s: ${seeds} seeds, ${steps} steps`);
    },
    fail,
    hasFailed: () => failedSeed !== undefined,
    end() {
      const happened = [...hazards].sort(([, a], [, b]) => b - a);
      console.log(`  happened: ${happened.map(([name, times]) => `${name} ${times}`).join(", ")}`);
      console.log(
        `  last answer at most ${slowestAnswerMs.toFixed(0)} ms after the last fault; last trace ${hash}`,
      );
      if (failedSeed === undefined) {
        console.log(`simulate: PASS seeds=${seeds} steps=${steps} seconds=${seconds()}`);
        return 0;
      }
      for (const what of failures.slice(0, SHOWN_MAX)) console.log(`  ${what}`);
      const planted = plant === undefined ? "" : ` --plant ${plant}`;
      console.log(`  again: npm run simulate -- --seed ${failedSeed} --trace${planted}`);
      console.log(
        `simulate: FAIL seed=${failedSeed} ${failures[0] ?? ""} seeds=${seeds} steps=${steps} seconds=${seconds()}`,
      );
      return 1;
    },
  };
}
