/**
 * How many cells of a terminal a text takes: Korean, Chinese and Japanese characters and emoji take two, marks that sit on another
 * character none. Source of the ranges: Unicode Standard Annex #11, East Asian Width, classes W and F.
 */

const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2fb],
  [0x20000, 0x3fffd],
];

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const pictured = /\p{Emoji_Presentation}|\ufe0f/u;
const unseen = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;

function graphemeCells(grapheme: string): 0 | 1 | 2 {
  if (unseen.test(grapheme)) return 0;
  const first = grapheme.codePointAt(0) ?? 0;
  if (first < 0x1100) return pictured.test(grapheme) ? 2 : 1;
  return WIDE.some(([from, to]) => first >= from && first <= to) || pictured.test(grapheme) ? 2 : 1;
}

/** Only the letters, digits and signs of ASCII: nothing to look up. */
const plain = /^[\x20-\x7e]*$/;

export function cellsOf(text: string): number {
  if (plain.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) cells += graphemeCells(segment);
  return cells;
}

/** As much of the text as fits, with an ellipsis where something was left out. Never more cells than asked, perhaps one fewer. */
export function clipped(text: string, cells: number, ellipsis = "…"): string {
  if (cellsOf(text) <= cells) return text;
  const room = cells - cellsOf(ellipsis);
  if (room < 0) return "";
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += graphemeCells(segment);
    if (used > room) break;
    kept += segment;
  }
  return kept + ellipsis;
}

/** Exactly so many cells. */
export function fitted(text: string, cells: number, side: "left" | "right" = "left", ellipsis = "…"): string {
  const shown = clipped(text, cells, ellipsis);
  const blank = " ".repeat(Math.max(0, cells - cellsOf(shown)));
  return side === "left" ? shown + blank : blank + shown;
}
