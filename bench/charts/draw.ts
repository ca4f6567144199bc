import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchResult, readResults } from "../rates/results.ts";
import { Trouble } from "../trouble.ts";
import { drawingsOf } from "./charts.ts";
import { svgOf } from "./svg.ts";

/** Beside the charts: the results that they show, so that they can be checked and drawn again. */
export const MEASURED_FILE = "measured.json";

/**
 * Draws each chart from the newest results, to which the results of the existing charts belong; returns the
 * names of the files. So a chart without newer results stays as it is.
 * @throws Trouble where there are no results
 */
export function drawCharts(resultsDir: string, chartsDir: string): string[] {
  const results = [...readResults(resultsDir), ...readMeasured(chartsDir)];
  const measured = newestOfEach(results.toSorted((one, other) => other.at.localeCompare(one.at)));
  const drawings = drawingsOf(measured);
  if (drawings.length === 0) throw new Trouble("there are no results to draw: run npm run bench first");
  mkdirSync(chartsDir, { recursive: true });
  writeFileSync(join(chartsDir, MEASURED_FILE), `${JSON.stringify(measured, undefined, 2)}\n`);
  return drawings.map(({ file, chart }) => {
    const name = `${file}.svg`;
    writeFileSync(join(chartsDir, name), svgOf(chart));
    return name;
  });
}

function readMeasured(chartsDir: string): BenchResult[] {
  const file = join(chartsDir, MEASURED_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as BenchResult[]) : [];
}

/** The existing charts drawn again from their results, by file: the files must have the same content. */
export function redrawn(chartsDir: string): ReadonlyMap<string, string> {
  const measured = readMeasured(chartsDir);
  return new Map(drawingsOf(measured).map(({ file, chart }) => [`${file}.svg`, svgOf(chart)]));
}

/** The results that are the newest of at least one benchmark; `results` has the newest first. */
function newestOfEach(results: readonly BenchResult[]): BenchResult[] {
  const found = new Set<string>();
  return results.filter(({ efforts }) => {
    const fresh = Object.keys(efforts).filter((name) => !found.has(name));
    for (const name of fresh) found.add(name);
    return fresh.length > 0;
  });
}
