import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { drawMarks, MARK_ROW_PX, type PlotMark } from "./marks.ts";
import { createWidest, FONT_PX } from "./text-width.ts";
import { withoutRepeats } from "./tick-texts.ts";

/** The colour of a series or a line: a class, whose `color` the style sheet sets for light and dark. */
export type Tone = "issued" | "refused" | "p50" | "p99" | "mark";

export type PlotSeries = { readonly name: string; readonly tone: Tone };

export type PlotShape = {
  readonly series: readonly PlotSeries[];
  readonly kind: "lines" | "bars";
  readonly height: number;
  /** The least distance between two texts of the x axis. */
  readonly xSpacePx: number;
  /** The texts at the axes. */
  xText(value: number): string;
  yText(value: number): string;
  /** Called with the index of the value below the pointer; undefined: the pointer has left. */
  onPoint(index: number | undefined): void;
};

export type PlotSpan = { readonly from: number; readonly to: number };

/** What changes with each message. */
export type PlotContent = {
  readonly data: uPlot.AlignedData;
  readonly marks: readonly PlotMark[];
  /** Drawn as a band behind the lines. */
  readonly spans: readonly PlotSpan[];
};

export type Plot = {
  /** Cheap where nobody can see it: drawn when the page is shown again. */
  show(content: PlotContent): void;
  destroy(): void;
};

/** Of a mark on an axis. */
const TICK_PX = 4;
/** Between a mark on an axis and its text. */
const GAP_PX = 5;
/** Between the edge of the chart and what is nearest to it. */
const EDGE_PX = 2;
const RIGHT_LEAST_PX = 12;
/** Between two texts of the x axis: round times, in seconds. */
const STEPS_S = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * 3_600),
];
const NONE: PlotContent = { data: [[]], marks: [], spans: [] };

/** A chart in `host`, as wide as that, in the colours that its style has now. */
export function createPlot(host: HTMLElement, shape: PlotShape, first: PlotContent = NONE): Plot {
  let content = first;
  let isStale = false;
  let plot = drawn();

  function drawn(): uPlot {
    return new uPlot(
      optionsOf(host, shape, () => content),
      content.data,
      host,
    );
  }

  function refresh(): void {
    if (document.hidden) {
      isStale = true;
      return;
    }
    isStale = false;
    plot.setData(content.data);
  }

  function onVisible(): void {
    if (isStale) refresh();
  }

  function restyle(): void {
    plot.destroy();
    plot = drawn();
  }

  const sizes = new ResizeObserver(() => {
    const width = host.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: shape.height });
  });
  sizes.observe(host);
  const themes = new MutationObserver(restyle);
  themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  darkness.addEventListener("change", restyle);
  document.addEventListener("visibilitychange", onVisible);

  return {
    show(next) {
      content = next;
      refresh();
    },
    destroy() {
      sizes.disconnect();
      themes.disconnect();
      darkness.removeEventListener("change", restyle);
      document.removeEventListener("visibilitychange", onVisible);
      plot.destroy();
    },
  };
}

function optionsOf(host: HTMLElement, shape: PlotShape, content: () => PlotContent): uPlot.Options {
  const { kind, height, xText, yText } = shape;
  const { color, fontFamily } = getComputedStyle(host);
  const tone = (name: Tone): string => toneOf(host, name);
  const font = `${FONT_PX}px ${fontFamily}`;
  const grid = { stroke: withAlpha(color, 0.15), width: 1 };
  const axis = { stroke: color, font, grid, ticks: { ...grid, size: TICK_PX }, gap: GAP_PX };
  const widest = createWidest(font);
  // Half of the first and of the last text of the x axis is beside the lines. uPlot asks for the texts of the
  // x axis, then for those and the size of the y axis, then for the padding, until nothing changes.
  let halfXPx = 0;
  return {
    width: Math.max(1, host.clientWidth),
    height,
    legend: { show: false },
    padding: [MARK_ROW_PX, () => Math.max(RIGHT_LEAST_PX, halfXPx + EDGE_PX), 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === "lines" } },
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
    axes: [
      {
        ...{ ...axis, size: 28, space: shape.xSpacePx, incrs: STEPS_S },
        values(_, values) {
          const texts = withoutRepeats(values.map(xText));
          halfXPx = Math.ceil(widest(texts) / 2);
          return texts;
        },
      },
      {
        ...{ ...axis, space: 32, values: (_, values) => values.map(yText) },
        size: (_, texts) => Math.max(halfXPx, Math.ceil(widest(texts ?? [])) + TICK_PX + GAP_PX) + EDGE_PX,
      },
    ],
    series: [{}, ...shape.series.map(({ tone: name }) => seriesOf(kind, tone(name)))],
    hooks: {
      setCursor: [({ cursor }) => shape.onPoint(cursor.idx ?? undefined)],
      drawClear: [(plot) => drawSpans(plot, content().spans, withAlpha(tone("mark"), 0.15))],
      draw: [(plot) => drawMarks(plot, content().marks, tone("mark"), fontFamily)],
    },
  };
}

function seriesOf(kind: PlotShape["kind"], stroke: string): uPlot.Series {
  if (kind === "lines") return { stroke, width: 2, spanGaps: false, points: { show: false } };
  const { bars } = uPlot.paths;
  return {
    stroke,
    fill: withAlpha(stroke, 0.65),
    width: 1,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars({ size: [0.9, 64] }) }),
  };
}

function drawSpans({ ctx, bbox, valToPos }: uPlot, spans: readonly PlotSpan[], fill: string): void {
  ctx.save();
  ctx.fillStyle = fill;
  for (const { from, to } of spans) {
    const left = Math.max(bbox.left, valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, valToPos(to, "x", true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

/** The colour that the style sheet gives to the tone, as a canvas takes it. */
function toneOf(host: HTMLElement, tone: Tone): string {
  const probe = document.createElement("span");
  probe.className = `tone-${tone}`;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function withAlpha(color: string, alpha: number): string {
  return `color-mix(in srgb, ${color} ${alpha * 100}%, transparent)`;
}
