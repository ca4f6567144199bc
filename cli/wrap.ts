import { cellsOf } from "./console/cells.ts";

/** The width of a terminal that does not report one. */
export const defaultColumns = 80;

/**
 * Prose in lines of at most `columns`; paragraphs stay, and a paragraph indented by two spaces, such as a
 * file's text, is not wrapped.
 */
export function wrapped(text: string, columns: number): string {
  return text
    .split("\n\n")
    .map((paragraph) => (paragraph.startsWith("  ") ? paragraph : filled(paragraph, columns, "")))
    .join("\n\n");
}

/**
 * One paragraph, wrapped at `columns`; the lines after the first also begin with `indent`, which does not
 * count. A word longer than a line has a line of its own.
 */
export function filled(paragraph: string, columns: number, indent: string): string {
  const [first = "", ...words] = paragraph.split(/\s+/);
  let lines = first;
  let cells = cellsOf(first);
  for (const word of words) {
    const fits = cells + 1 + cellsOf(word) <= columns;
    lines += (fits ? " " : `\n${indent}`) + word;
    cells = (fits ? cells + 1 : 0) + cellsOf(word);
  }
  return lines;
}
