import { escaped, rounded, svgText, ticksFor } from "../../cli/svg.ts";

/** A chart as data: all its values come from a result, and it judges nothing. */
export type Chart = {
  readonly title: string;
  /** The machine and the time of the measurement; shown below the title. */
  readonly note: string;
  readonly kind: "bars" | "lines";
  /** The unit of the values. */
  readonly unit: string;
  /** The caption of the axis with the places. */
  readonly placesAre: string;
  readonly places: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
};

const WIDTH = 760;
const HEIGHT = 380;
const PLOT = { left: 76, right: 740, top: 96, bottom: 318 } as const;
/** The share of a place's width that its bars take together. */
const BARS_SHARE = 0.72;
const PLACES_NAMED_MOST = 12;
/** They differ in lightness too, on white and on GitHub's dark grey; contrast 3:1 and more on both. */
const COLOURS = ["#2f81f7", "#d1702b", "#2da160"] as const;

/** GitHub shows an image in both modes: text and lines use the reader's system preference. */
const STYLE = `
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}
.title{font-size:16px;font-weight:600}.note,.axis{fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:1}.page{fill:#ffffff}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.note,.axis{fill:#9198a1}.grid{stroke:#3d444d}.page{fill:#0d1117}}`;

/** @throws RangeError for a chart that would show nothing, or a value that cannot be drawn */
export function svgOf(chart: Chart): string {
  const { title, note, unit, placesAre, places, series, kind } = chart;
  const values = series.flatMap((one) => one.values);
  if (places.length === 0 || values.length === 0) throw new RangeError(`nothing to draw: ${title}`);
  if (series.some((one) => one.values.length !== places.length) || !values.every((value) => value >= 0))
    throw new RangeError(`a value of ${title} is missing or cannot be drawn`);
  if (series.length > COLOURS.length) throw new RangeError(`too many series: ${title}`);
  const ticks = ticksFor(Math.max(...values));
  const most = ticks.at(-1) ?? 1;
  const y = (value: number) => PLOT.bottom - (value / most) * (PLOT.bottom - PLOT.top);
  const placeWidth = (PLOT.right - PLOT.left) / places.length;
  const x = (place: number) => PLOT.left + (place + 0.5) * placeWidth;
  const every = Math.ceil(places.length / PLACES_NAMED_MOST);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    svgText(16, 28, title, "title"),
    svgText(16, 48, note, "note"),
    ...series.flatMap(({ name }, index) => legend(name, index, series)),
    svgText(PLOT.left, PLOT.top - 10, unit, "axis"),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${rounded(y(tick))}" y2="${rounded(y(tick))}"/>`,
      svgText(PLOT.left - 8, y(tick) + 4, tick.toLocaleString("en"), "axis", "end"),
    ]),
    ...places.flatMap((place, index) =>
      index % every === 0 ? [svgText(x(index), PLOT.bottom + 20, place, "axis", "middle")] : [],
    ),
    svgText((PLOT.left + PLOT.right) / 2, PLOT.bottom + 44, placesAre, "axis", "middle"),
    ...series.flatMap((one, index) =>
      kind === "bars"
        ? bars(one.values, { index, of: series.length, placeWidth, x, y })
        : line(one.values, index, x, y),
    ),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

type BarGroup = {
  readonly index: number;
  readonly of: number;
  readonly placeWidth: number;
  readonly x: (place: number) => number;
  readonly y: (value: number) => number;
};

function bars(values: readonly number[], { index, of, placeWidth, x, y }: BarGroup): string[] {
  const width = (placeWidth * BARS_SHARE) / of;
  return values.flatMap((value, place) => {
    const left = x(place) + (index - of / 2) * width;
    const bar = `<rect x="${rounded(left)}" y="${rounded(y(value))}" width="${rounded(width - 1)}" height="${rounded(PLOT.bottom - y(value))}" fill="${colourOf(index)}"/>`;
    return width < 26 ? [bar] : [bar, svgText(left + width / 2, y(value) - 5, short(value), "", "middle")];
  });
}

function line(
  values: readonly number[],
  index: number,
  x: (place: number) => number,
  y: (value: number) => number,
): string[] {
  const points = values.map((value, place) => `${rounded(x(place))},${rounded(y(value))}`);
  return [
    `<polyline points="${points.join(" ")}" fill="none" stroke="${colourOf(index)}" stroke-width="2"/>`,
    ...points.map((point) => {
      const [cx, cy] = point.split(",");
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colourOf(index)}"/>`;
    }),
  ];
}

function legend(name: string, index: number, series: Chart["series"]): string[] {
  // About seven units a letter; the text itself is never cut.
  const before = series.slice(0, index).reduce((sum, one) => sum + one.name.length * 7 + 36, 0);
  return [
    `<rect x="${16 + before}" y="60" width="12" height="12" fill="${colourOf(index)}"/>`,
    svgText(34 + before, 70, name),
  ];
}

const colourOf = (index: number) => COLOURS[index] ?? COLOURS[0];
const short = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 0 : 1);
