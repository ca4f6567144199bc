import { styleText } from "node:util";
import { drawnFor } from "../terminal-signs.ts";
import { cellsOf, clipped, fitted } from "./cells.ts";

export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** The width and the means of drawing a line. */
export interface Look {
  readonly width: number;
  readonly colour: boolean;
  /** False: the terminal may show only ASCII. */
  readonly unicode: boolean;
}

export const span = (text: string, style?: Style): Span => ({ text, style });

/** Column in which values begin. */
export const labelCells = 10;
export const label = (text: string): Span => span(fitted(text, labelCells), "dim");

/** The spans with signs that the terminal can show; these may be wider, so this comes before measuring. */
export function drawnSpans(spans: readonly Span[], { unicode }: Look): Span[] {
  return spans.map(({ text, style }) => span(drawnFor(unicode, text), style));
}

export function cellsIn(spans: readonly Span[]): number {
  return spans.reduce((cells, { text }) => cells + cellsOf(text), 0);
}

/** One line of text with its colours, clipped to the width; measured before it is painted. */
export function painted(spans: readonly Span[], look: Look): string {
  const { width, colour, unicode } = look;
  let line = "";
  let left = width;
  for (const { text, style } of drawnSpans(spans, look)) {
    const shown = clipped(text, left, unicode ? "…" : "~");
    left -= cellsOf(shown);
    line += style === undefined || !colour ? shown : styleText(style, shown, { validateStream: false });
    if (shown !== text) break;
  }
  return colour ? line : line.trimEnd();
}

/** With fewer cells than this the left part is left out. */
const leftCellsMin = 8;

/**
 * The left part, then blanks, then the right part at the edge. `whole` is the part that is not cut where
 * there is no room for both: with "right", the left part is cut; with "left", the right part is left out.
 */
export function spread(
  onLeft: readonly Span[],
  onRight: readonly Span[],
  look: Look,
  whole: "left" | "right" = "right",
): string {
  const [left, right] = [drawnSpans(onLeft, look), drawnSpans(onRight, look)];
  const room = look.width - cellsIn(right) - 1;
  if (whole === "left" && cellsIn(left) > room) return painted(left, look);
  if (room < leftCellsMin) return painted(right, look);
  const shown: Span[] = [];
  let free = room;
  for (const { text, style } of left) {
    const part = clipped(text, free, look.unicode ? "…" : "~");
    free -= cellsOf(part);
    shown.push(span(part, style));
    if (part !== text) break;
  }
  return painted([...shown, span(" ".repeat(free + 1)), ...right], look);
}
