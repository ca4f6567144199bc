import { eastAsianWidth } from "get-east-asian-width";

/**
 * How many cells of a terminal a text takes: Korean, Chinese and Japanese characters and emoji take two,
 * marks that sit on another character none. Widths are those of Unicode Standard Annex #11; characters that
 * are ambiguous there take one cell.
 */

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const emoji = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3)/u;
const pictured = /\p{Emoji_Presentation}|\ufe0f/u;
const unseen = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
/** Vowels and finals of decomposed Hangul, which are drawn in the cells of their consonant. */
const jamo = /^[\u1160-\u11ff\ud7b0-\ud7fb]$/u;

/**
 * An emoji is one picture, however many characters it has; in any other text each character has its own
 * width.
 */
function graphemeCells(grapheme: string): number {
  if (emoji.test(grapheme) && pictured.test(grapheme)) return 2;
  let cells = 0;
  // Vowels and signs that stand beside their consonant, as in Thai and Devanagari, are one grapheme with it,
  // and cells of their own.
  for (const character of grapheme)
    if (cells === 0 || !jamo.test(character)) cells += characterCells(character);
  return cells;
}

function characterCells(character: string): 0 | 1 | 2 {
  if (unseen.test(character)) return 0;
  const point = character.codePointAt(0) ?? 0;
  return pictured.test(character) ? 2 : eastAsianWidth(point);
}

/** Only printable ASCII: each character takes one cell. */
const plain = /^[\x20-\x7e]*$/;

export function cellsOf(text: string): number {
  if (plain.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) cells += graphemeCells(segment);
  return cells;
}

/** The longest beginning of the text that takes at most so many cells. */
export function prefixWithin(text: string, cells: number): string {
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += graphemeCells(segment);
    if (used > cells) break;
    kept += segment;
  }
  return kept;
}

/**
 * As much of the text as fits, with an ellipsis where something was left out. Never more cells than asked,
 * perhaps one fewer.
 */
export function clipped(text: string, cells: number, ellipsis = "…"): string {
  if (cellsOf(text) <= cells) return text;
  const room = cells - cellsOf(ellipsis);
  return room < 0 ? "" : prefixWithin(text, room) + ellipsis;
}

/** Exactly so many cells. */
export function fitted(text: string, cells: number, side: "left" | "right" = "left", ellipsis = "…"): string {
  const shown = clipped(text, cells, ellipsis);
  const blank = " ".repeat(Math.max(0, cells - cellsOf(shown)));
  return side === "left" ? shown + blank : blank + shown;
}
