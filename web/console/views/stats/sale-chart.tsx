import { useMemo } from "preact/hooks";
import type { GetCampaignStatsResponse } from "../../../../proto/gen/coupon/v1/stats_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import type { Words } from "../../i18n/words.ts";
import { Table } from "../../ui/table.tsx";
import { Chart } from "../chart/chart.tsx";
import type { PlotContent, PlotShape } from "../chart/plot.ts";
import { durationText } from "../texts.ts";
import { barColumns, barsOf, baseMsOf, fastestOf } from "./sale-bars.ts";

const HEIGHT_PX = 240;
const ROWS_MAX = 60;

/** Coupons per bucket of time around the start, as a chart and as a table. */
export function SaleChart({ answer }: { readonly answer: GetCampaignStatsResponse }) {
  const words = useWords();
  const { t, number } = words;
  const { bucketMs } = answer;
  const baseMs = baseMsOf(answer);
  const bars = useMemo(() => barsOf(answer), [answer]);
  const shape = useMemo(
    (): Omit<PlotShape, "onPoint"> => ({
      kind: "bars",
      height: HEIGHT_PX,
      xSpacePx: 96,
      series: [{ name: t("live.issued"), tone: "issued" }],
      xText: (seconds) => sinceText(seconds * 1_000, words),
      yText: (value) => (Number.isInteger(value) ? number(value) : ""),
    }),
    [words],
  );
  const content = useMemo(
    (): PlotContent => ({
      data: barColumns(answer),
      marks: baseMs === 0 ? [{ x: 0, text: t("live.mark.start") }] : [],
      spans: [],
    }),
    [answer, words],
  );
  if (bars.length === 0) return null;
  const length = durationText(bucketMs, words);
  const fastest = fastestOf(answer);
  const label = t("stats.chartLabel", {
    length,
    peak: fastest?.issued ?? 0,
    at: durationText(fastest?.fromMs ?? 0, words),
  });
  return (
    <>
      <h3>{t("stats.perBucket", { length })}</h3>
      {baseMs === 0 ? null : <p class="quiet">{t("stats.from", { time: durationText(baseMs, words) })}</p>}
      <Chart label={label} shape={shape} content={content} valueText={(value) => number(value)} />
      <details>
        <summary>{t("live.table")}</summary>
        <Table
          caption={t("stats.perBucket", { length })}
          rows={bars.slice(0, ROWS_MAX)}
          keyOf={({ fromMs }) => fromMs}
          columns={[
            {
              title: t(baseMs === 0 ? "stats.after" : "live.from"),
              isHead: true,
              cell: ({ fromMs }) => sinceText(fromMs - baseMs, words),
            },
            { title: t("stats.coupons"), isNumber: true, cell: ({ issued }) => number(issued) },
          ]}
        />
        {bars.length > ROWS_MAX ? <p class="quiet">{t("stats.firstRows", { count: ROWS_MAX })}</p> : null}
      </details>
    </>
  );
}

/** "+1.5 s" after the instant from which the axis counts, "−200 ms" before it. */
function sinceText(ms: number, words: Words): string {
  return ms < 0 ? `−${durationText(-ms, words)}` : `+${durationText(ms, words)}`;
}
