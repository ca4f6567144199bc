import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import type { Curve, Effort, Figure } from "./benchmark.ts";

export type Machine = {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  /** The load average of the last minute before the measurements: the machine's other work. */
  readonly loadAverage: number;
};

/** The results of one `npm run bench`. */
export type BenchResult = {
  /** ISO 8601. */
  readonly at: string;
  readonly machine: Machine;
  readonly efforts: Readonly<Record<string, Effort>>;
  readonly figures: readonly Figure[];
  readonly curves: readonly Curve[];
};

export function thisMachine(): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? "",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

export function writeResult(dir: string, result: BenchResult): void {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${result.at.replace(/[:.]/g, "-")}.json`);
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
}

/**
 * All results of a folder, the newest first; none where there is no such folder. Results of an older shape
 * are left out.
 */
export function readResults(dir: string): BenchResult[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map(({ name }) => name);
  const results = names
    .sort()
    .reverse()
    .map((name) => JSON.parse(readFileSync(join(dir, name), "utf8")) as Partial<BenchResult>);
  return results.filter((result): result is BenchResult => result.curves !== undefined);
}
