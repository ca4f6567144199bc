import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readResults } from "../rates/results.ts";
import { Trouble } from "../trouble.ts";
import { drawingsOf } from "./charts.ts";
import { svgOf } from "./svg.ts";

/**
 * Draws what the newest results allow; the names of the files. A chart that nothing was measured for stays as it is.
 * @throws Trouble where there are no results
 */
export function drawCharts(resultsDir: string, chartsDir: string): string[] {
  const drawings = drawingsOf(readResults(resultsDir));
  if (drawings.length === 0) throw new Trouble("there are no results to draw: run npm run bench first");
  mkdirSync(chartsDir, { recursive: true });
  return drawings.map(({ file, chart }) => {
    const name = `${file}.svg`;
    writeFileSync(join(chartsDir, name), svgOf(chart));
    return name;
  });
}
