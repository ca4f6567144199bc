import { useMemo } from "preact/hooks";
import { useWords } from "../../i18n/language.tsx";
import type { Words } from "../../i18n/words.ts";
import { viewerZone } from "../../time/zones.ts";
import { Table } from "../../ui/table.tsx";
import { Chart } from "../chart/chart.tsx";
import type { PlotContent, PlotShape } from "../chart/plot.ts";
import { msText } from "../texts.ts";
import type { Mark, Pause } from "./sale-marks.ts";
import { columnsOf, peakOf, rowsOf, type TrafficPoint, type TrafficRow } from "./traffic-points.ts";

type TrafficProps = {
  readonly points: readonly TrafficPoint[];
  readonly marks: readonly Mark[];
  readonly pauses: readonly Pause[];
};

const HEIGHT_PX = 180;
const ROW_MS = 10_000;
const ROWS_MAX = 12;

export function TrafficCharts({ points, marks, pauses }: TrafficProps) {
  const words = useWords();
  const shapes = useMemo(() => shapesOf(words), [words]);
  const rates = useMemo(
    () => contentOf(points, ["issuedPerSecond", "refusedPerSecond"], marks, pauses, words),
    [points, marks, pauses, words],
  );
  const latencies = useMemo(
    () => contentOf(points, ["p50Ms", "p99Ms"], marks, pauses, words),
    [points, marks, pauses, words],
  );
  const { t } = words;
  return (
    <>
      <p class="chart-summary">{summaryOf(points, words)}</p>
      <h3>{t("live.rates")}</h3>
      <Chart
        label={t("live.ratesLabel", { summary: summaryOf(points, words) })}
        shape={shapes.rates}
        content={rates}
        valueText={(value) => words.number(value, 0)}
      />
      <h3>{t("live.latencies")}</h3>
      <Chart
        label={t("live.latenciesLabel", latencyOf(points.at(-1), words))}
        shape={shapes.latencies}
        content={latencies}
        valueText={(value) => msText(value, words)}
      />
      <details>
        <summary>{t("live.table")}</summary>
        <TrafficTable rows={rowsOf(points, ROW_MS, ROWS_MAX)} />
      </details>
    </>
  );
}

function shapesOf({ t, clock, number }: Words): Record<"rates" | "latencies", Omit<PlotShape, "onPoint">> {
  const zone = viewerZone();
  const common = {
    kind: "lines" as const,
    height: HEIGHT_PX,
    xSpacePx: 72,
    xText: (seconds: number) => clock(seconds * 1_000, zone),
  };
  return {
    rates: {
      ...common,
      yText: (value) => (Number.isInteger(value) ? number(value) : ""),
      series: [
        { name: t("live.issued"), tone: "issued" },
        { name: t("live.refused"), tone: "refused" },
      ],
    },
    latencies: {
      ...common,
      yText: (value) => t("unit.ms", { value: number(value) }),
      series: [
        { name: t("live.p50"), tone: "p50" },
        { name: t("live.p99"), tone: "p99" },
      ],
    },
  };
}

function contentOf(
  points: readonly TrafficPoint[],
  names: readonly (keyof TrafficPoint)[],
  marks: readonly Mark[],
  pauses: readonly Pause[],
  { t }: Words,
): PlotContent {
  const from = points[0]?.atMs ?? 0;
  const to = points.at(-1)?.atMs ?? 0;
  return {
    data: columnsOf(points, names),
    marks: marks.map(({ atMs, kind }) => ({ x: atMs / 1_000, text: t(`live.mark.${kind}`) })),
    spans: pauses.map(({ fromMs, toMs = to }) => ({
      from: Math.max(from, fromMs) / 1_000,
      to: Math.min(to, toMs) / 1_000,
    })),
  };
}

/** The newest figures and the peak, in one sentence each. */
function summaryOf(points: readonly TrafficPoint[], { t, clock, number }: Words): string {
  const last = points.at(-1);
  if (last === undefined) return t("live.nothingYet");
  const rate = (value: number | null) => (value === null ? "–" : number(value, 0));
  const now = t("live.now", { issued: rate(last.issuedPerSecond), refused: rate(last.refusedPerSecond) });
  const peak = peakOf(points);
  if (peak === undefined) return now;
  const told = { issued: rate(peak.issuedPerSecond), at: clock(peak.atMs, viewerZone()) };
  return `${now} ${t("live.peak", told)}`;
}

function latencyOf(point: TrafficPoint | undefined, words: Words) {
  const text = (value: number | null | undefined) =>
    value === null || value === undefined ? "–" : msText(value, words);
  return { p50: text(point?.p50Ms), p99: text(point?.p99Ms) };
}

function TrafficTable({ rows }: { readonly rows: readonly TrafficRow[] }) {
  const words = useWords();
  const { t, clock, number } = words;
  const zone = viewerZone();
  const rate = (value: number | null) => (value === null ? "–" : number(value, 0));
  const ms = (value: number | null) => (value === null ? "–" : msText(value, words));
  return (
    <Table
      caption={t("live.tableCaption")}
      rows={rows}
      keyOf={({ atMs }) => atMs}
      columns={[
        { title: t("live.from"), isHead: true, cell: ({ atMs }) => clock(atMs, zone) },
        { title: t("live.issued"), isNumber: true, cell: ({ issuedPerSecond }) => rate(issuedPerSecond) },
        { title: t("live.refused"), isNumber: true, cell: ({ refusedPerSecond }) => rate(refusedPerSecond) },
        { title: t("live.p50"), isNumber: true, cell: ({ p50Ms }) => ms(p50Ms) },
        { title: t("live.p99"), isNumber: true, cell: ({ p99Ms }) => ms(p99Ms) },
      ]}
    />
  );
}
