/**
 * `npm run dashboard`: sells a campaign out on stores and a service of its own while a real Prometheus
 * scrapes it, and draws queries of the dashboard (deploy/observability/grafana/launch.json) from Prometheus'
 * API with the chart code of this repository: Grafana is not needed. Exit codes: 0 done, 2 could not run.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { svgOf } from "../../../bench/charts/svg.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";
import { runCommand } from "../../../bench/run-command.ts";
import { removeBuiltProduct } from "../../../local/built.ts";
import { repositoryDir } from "../../../local/repository.ts";
import { asSent, dashboardQueries } from "../../deploy/observability/shipped.ts";
import type { Prometheus, Series } from "../../support/prometheus.ts";
import { sellOut } from "./launch.ts";

const USAGE = `usage: npm run dashboard -- [--out FOLDER] [--help]

  --out FOLDER  default docs/images`;

/** The panels that are drawn; the unit is that of the picture, `times` what makes it of the query's. */
const PANELS = [
  { title: "Claims by code", file: "claims", unit: "claims/s", times: 1 },
  { title: "Duration of a claim", file: "duration", unit: "ms", times: 1_000 },
  { title: "Coupons left", file: "left", unit: "coupons", times: 1 },
  { title: "MongoDB: one durable insert", file: "insert", unit: "ms", times: 1_000 },
  { title: "Batches", file: "batches", unit: "mean", times: 1 },
  { title: "Ledger", file: "ledger", unit: "claims, seconds", times: 1 },
] as const;
/** What a chart can tell apart. */
const SERIES_MAX = 3;

await runCommand("dashboard", async ({ releases }) => {
  const { out, help } = parseFlags(process.argv.slice(2), {
    ...{ out: { type: "string" }, help: { type: "boolean", default: false } },
  } as const);
  if (help) return { exitCode: 0, lastWord: USAGE };
  const folder = out ?? join(repositoryDir, "docs", "images");
  mkdirSync(folder, { recursive: true });
  releases.add("build", removeBuiltProduct);
  const { prometheus, startsAtMs, endedAtMs, campaignId, clients } = await sellOut(releases);
  const note = `A launch on ${cpus().length} processors that the ${clients} callers share, ${new Date(startsAtMs).toISOString().slice(0, 10)}; scraped every second by Prometheus`;
  for (const { title, file, unit, times } of PANELS) {
    const series = await readPanel(prometheus, title, campaignId, startsAtMs, endedAtMs);
    const places = [...new Set(series.flatMap(({ values = [] }) => values.map(([atS]) => atS)))].sort(
      (a, b) => a - b,
    );
    const svg = svgOf({
      ...{ title, note, unit, kind: "lines", placesAre: "seconds since the start" },
      places: places.map((atS) => String(Math.round(atS - startsAtMs / 1_000))),
      series: series.map(({ metric, values = [] }) => ({
        name: metric["legend"] ?? "",
        values: places.map((atS) => valueAt(values, atS) * times),
      })),
    });
    writeFileSync(join(folder, `dashboard-${file}.svg`), svg);
    process.stdout.write(`dashboard-${file}.svg: ${title}, ${series.length} series\n`);
  }
  return { exitCode: 0 };
});

/** The queries of a panel over the launch; the largest series where there are more than a chart can have. */
async function readPanel(
  prometheus: Prometheus,
  panel: string,
  campaignId: string,
  startsAtMs: number,
  endedAtMs: number,
): Promise<readonly Series[]> {
  const found: Series[] = [];
  for (const { expr, title } of dashboardQueries().filter((query) => query.panel === panel)) {
    const sent = asSent(expr, "4s", campaignId);
    const series = await prometheus.range(sent, startsAtMs / 1_000 - 5, endedAtMs / 1_000, 1);
    for (const { metric, values = [] } of series)
      found.push({ metric: { legend: legendOf(title, metric) }, values });
  }
  const sizeOf = ({ values = [] }: Series) => Math.max(0, ...values.map(([, value]) => finite(value)));
  const shown = found.filter((one) => sizeOf(one) > 0).sort((a, b) => sizeOf(b) - sizeOf(a));
  return (shown.length > 0 ? shown : found).slice(0, SERIES_MAX);
}

/** As Grafana fills `{{label}}` in. */
function legendOf(format: string, labels: Series["metric"]): string {
  return format.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? "");
}

/** Grafana leaves a gap where there is no value; this chart has none and draws 0. */
function valueAt(values: NonNullable<Series["values"]>, atS: number): number {
  return finite(values.find(([at]) => at === atS)?.[1] ?? "0");
}

function finite(value: string): number {
  const number = Number(value);
  return Number.isFinite(number) ? Math.max(0, number) : 0;
}
