import { escaped, rounded, svgText, ticksFor } from "./svg.ts";

/**
 * A bar chart as an SVG document that stands alone: no script, no font, readable on white and on black.
 */
export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  /** The meaning of a bar's height, for example "coupons per second". */
  readonly yLabel: string;
  readonly xLabel: string;
  readonly values: readonly number[];
  /** The label below the left edge of a bar. */
  readonly xAt: (bar: number) => string;
}

const width = 960;
const height = 420;
const margin = { left: 80, right: 24, top: 84, bottom: 56 };
const labelsMost = 6;

export function chartSvg({ title, subtitle, yLabel, xLabel, values, xAt }: Chart): string {
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const ticks = ticksFor(Math.max(1, ...values));
  const top = ticks.at(-1) ?? 1;
  const step = inner.width / Math.max(1, values.length);
  const y = (value: number) => margin.top + inner.height * (1 - value / top);
  const bars = values.map((value, bar) => {
    const x = margin.left + bar * step;
    const gap = step > 4 ? 1 : 0;
    return `<rect x="${rounded(x)}" y="${rounded(y(value))}" width="${rounded(step - gap)}" height="${rounded(y(0) - y(value))}"><title>${escaped(xAt(bar))}: ${value}</title></rect>`;
  });
  const lines = ticks.flatMap((tick) => [
    `<line x1="${margin.left}" x2="${width - margin.right}" y1="${rounded(y(tick))}" y2="${rounded(y(tick))}" stroke="#8888" />`,
    svgText(margin.left - 8, y(tick) + 4, String(tick), "", "end"),
  ]);
  const every = Math.max(1, Math.ceil(values.length / labelsMost));
  const labels = values.flatMap((_value, bar) =>
    bar % every === 0 ? [svgText(margin.left + bar * step, height - margin.bottom + 18, xAt(bar))] : [],
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#777" role="img">
<title>${escaped(title)}</title>
<text x="${margin.left}" y="28" font-size="18">${escaped(title)}</text>
${svgText(margin.left, 46, subtitle)}
${svgText(16, margin.top - 10, yLabel)}
${lines.join("\n")}
<g fill="#3b82f6">
${bars.join("\n")}
</g>
${labels.join("\n")}
${svgText(width - margin.right, height - 14, xLabel, "", "end")}
</svg>
`;
}
