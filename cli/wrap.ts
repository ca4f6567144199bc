import { cellsOf } from "./console/cells.ts";

/** Where nobody says how wide the terminal is. */
export const defaultColumns = 80;

/**
 * Prose in lines of at most `columns`; paragraphs stay, and so does what is set off by two spaces, such as a
 * file's text.
 */
export function wrapped(text: string, columns: number): string {
  return text
    .split("\n\n")
    .map((paragraph) => (paragraph.startsWith("  ") ? paragraph : filled(paragraph, columns, "")))
    .join("\n\n");
}

/**
 * One paragraph, whose lines after the first begin with `indent`, beside `columns`. A word that is longer
 * than a line has one of its own.
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
