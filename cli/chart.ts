/** A bar chart as an SVG document that needs nothing else: no script, no font, readable on white and on black. */
export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  /** What the height of a bar is, for example "coupons per second". */
  readonly yLabel: string;
  readonly xLabel: string;
  readonly values: readonly number[];
  /** What stands below the left edge of a bar. */
  readonly xAt: (bar: number) => string;
}

const width = 960;
const height = 420;
const margin = { left: 80, right: 24, top: 84, bottom: 56 };
const ticksMost = 6;

export function chartSvg({ title, subtitle, yLabel, xLabel, values, xAt }: Chart): string {
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const top = niceTop(Math.max(1, ...values));
  const step = inner.width / Math.max(1, values.length);
  const y = (value: number) => margin.top + inner.height * (1 - value / top);
  const bars = values.map((value, bar) => {
    const x = margin.left + bar * step;
    const gap = step > 4 ? 1 : 0;
    return `<rect x="${fixed(x)}" y="${fixed(y(value))}" width="${fixed(step - gap)}" height="${fixed(y(0) - y(value))}"><title>${escaped(xAt(bar))}: ${value}</title></rect>`;
  });
  const lines = Array.from({ length: 5 }, (_line, index) => {
    const value = (top * index) / 4;
    return `<line x1="${margin.left}" x2="${width - margin.right}" y1="${fixed(y(value))}" y2="${fixed(y(value))}" stroke="#8888" /><text x="${margin.left - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${tick(value)}</text>`;
  });
  const every = Math.max(1, Math.ceil(values.length / ticksMost));
  const labels = values.flatMap((_value, bar) =>
    bar % every === 0
      ? [
          `<text x="${fixed(margin.left + bar * step)}" y="${height - margin.bottom + 18}">${escaped(xAt(bar))}</text>`,
        ]
      : [],
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#777" role="img">
<title>${escaped(title)}</title>
<text x="${margin.left}" y="28" font-size="18">${escaped(title)}</text>
<text x="${margin.left}" y="46">${escaped(subtitle)}</text>
<text x="16" y="${margin.top - 10}">${escaped(yLabel)}</text>
${lines.join("\n")}
<g fill="#3b82f6">
${bars.join("\n")}
</g>
${labels.join("\n")}
<text x="${width - margin.right}" y="${height - 14}" text-anchor="end">${escaped(xLabel)}</text>
</svg>
`;
}

/** 1, 2 or 5 times a power of ten, times four: the lines in between are then round too. */
function niceTop(most: number): number {
  const quarter = most / 4;
  const power = 10 ** Math.floor(Math.log10(quarter));
  const nice = [1, 2, 5, 10].find((factor) => factor * power >= quarter) ?? 10;
  return nice * power * 4;
}

function tick(value: number): string {
  return String(Number(value.toFixed(2)));
}

function fixed(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** Text of an operator in XML: also without what XML cannot hold at all. */
function escaped(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
