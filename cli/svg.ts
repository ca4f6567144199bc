/** The common parts of charts; for `coupon stats --svg` and for the charts of the benchmarks. */

const STEPS_MOST = 5;

/** Round values from 0 to at least `most`, at most five steps of 1, 2 or 5 times a power of ten. */
export function ticksFor(most: number): number[] {
  const rough = Math.max(most, Number.EPSILON) / STEPS_MOST;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10) * power;
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** A coordinate, rounded to a tenth of a unit, which is below what is visible. */
export const rounded = (value: number) => Math.round(value * 10) / 10;

/** A text at a position; `name` is its class. */
export function svgText(x: number, y: number, words: string, name = "", anchor = "start"): string {
  const named = name === "" ? "" : ` class="${name}"`;
  return `<text x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}"${named}>${escaped(words)}</text>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** An operator's text in XML: escaped, and without characters that XML does not allow. */
export function escaped(text: string): string {
  return text
    .replace(/[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
