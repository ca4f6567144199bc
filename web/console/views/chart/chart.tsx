import { useEffect, useRef, useState } from "preact/hooks";
import { createPlot, type Plot, type PlotContent, type PlotShape } from "./plot.ts";

type ChartProps = {
  /** What the chart shows now, in words, for those who do not see it. */
  readonly label: string;
  /** Made anew only where the chart must be: on another language, for example. */
  readonly shape: Omit<PlotShape, "onPoint">;
  readonly content: PlotContent;
  /** The text of a value in the legend. */
  readonly valueText: (value: number) => string;
};

/** A chart with its legend, which shows the values below the pointer, else the last ones. */
export function Chart({ label, shape, content, valueText }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  const latest = useRef(content);
  latest.current = content;
  const [point, setPoint] = useState<number>();

  useEffect(() => {
    if (host.current === null) return;
    plot.current = createPlot(host.current, { ...shape, onPoint: setPoint }, latest.current);
    return () => plot.current?.destroy();
  }, [shape]);
  useEffect(() => plot.current?.show(content), [content]);

  const length = content.data[0].length;
  const index = point === undefined || point >= length ? length - 1 : point;
  return (
    <figure class="chart">
      <div ref={host} class="chart-canvas" role="img" aria-label={label} />
      <figcaption class="chart-legend">
        {shape.kind === "bars" ? null : (
          <>
            {shape.series.map(({ name, tone }, at) => {
              const value = content.data[at + 1]?.[index];
              return (
                <span key={tone} class="chart-key">
                  <span class={`chart-swatch tone-${tone}`} aria-hidden="true" />
                  {name} <b>{value === undefined || value === null ? "–" : valueText(value)}</b>
                </span>
              );
            })}
            {point === undefined || length === 0 ? null : (
              <span class="quiet">{shape.xText(Number(content.data[0][index]))}</span>
            )}
          </>
        )}
      </figcaption>
    </figure>
  );
}
