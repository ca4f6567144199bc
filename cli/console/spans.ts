import { styleText } from "node:util";
import { cellsOf, clipped, fitted } from "./cells.ts";

export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** How a line is drawn. */
export interface Look {
  readonly width: number;
  readonly colour: boolean;
  /** False: the terminal may not know more than ASCII. */
  readonly unicode: boolean;
}

export const span = (text: string, style?: Style): Span => ({ text, style });

/** Column in which values begin. */
export const labelCells = 10;
export const label = (text: string): Span => span(fitted(text, labelCells), "dim");

export function cellsIn(spans: readonly Span[]): number {
  return spans.reduce((cells, { text }) => cells + cellsOf(text), 0);
}

/** One line of text with its colours, clipped to the width; measured before it is painted. */
export function painted(spans: readonly Span[], { width, colour, unicode }: Look): string {
  let line = "";
  let left = width;
  for (const { text, style } of spans) {
    const shown = clipped(text, left, unicode ? "…" : "~");
    left -= cellsOf(shown);
    line += style === undefined || !colour ? shown : styleText(style, shown, { validateStream: false });
    if (shown !== text) break;
  }
  return colour ? line : line.trimEnd();
}

/** The left part, then blanks, then the right part at the edge; where there is no room for both, the left one gives way. */
export function spread(left: readonly Span[], right: readonly Span[], look: Look): string {
  const rightCells = cellsIn(right);
  const room = look.width - rightCells - 1;
  if (room < 8) return painted(left, look);
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
