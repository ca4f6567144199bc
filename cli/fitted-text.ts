import { cellsOf, prefixWithin } from "./console/cells.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escapes, which take no cell
const escapes = /\x1b\[[\d;]*m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const leadingEscapes = /^(?:\x1b\[[\d;]*m)+/;
/** Where the indent would leave fewer cells than this, the rest of a line begins further left. */
const roomMin = 16;

const cellsShown = (text: string): number => cellsOf(text.replace(escapes, ""));

/**
 * Lines of a terminal: a line wider than `columns` continues below, under the column in which its last value
 * began. Nothing is cut.
 */
export function fittedText(text: string, columns: number): string {
  return text
    .split("\n")
    .map((line) => (cellsShown(line) <= columns ? line : brokenLine(line, columns)))
    .join("\n");
}

function brokenLine(line: string, columns: number): string {
  const indent = indentOf(line, columns);
  const rows: string[] = [];
  let row = "";
  // Words with the blanks before them; the blanks are dropped where a line is broken.
  for (const word of line.match(/\s*\S+/g) ?? []) {
    if (cellsShown(row + word) <= columns) {
      row += word;
      continue;
    }
    let rest = word;
    if (row.trim() !== "") {
      rows.push(row);
      rest = word.trimStart();
      // A word that is longer than its column, such as an instant or a path, begins further left and is not
      // broken.
      const room = columns - cellsShown(rest);
      row = " ".repeat(room >= 0 ? Math.min(indent, room) : indent);
    }
    // A word that is longer than a line is broken between its characters, never within an escape.
    while (cellsShown(row + rest) > columns) {
      const [colour = ""] = rest.match(leadingEscapes) ?? [];
      const at = rest.indexOf("\x1b", colour.length);
      const plain = rest.slice(colour.length, at < 0 ? undefined : at);
      const part = prefixWithin(plain, columns - cellsShown(row));
      row += colour + part;
      rest = rest.slice(colour.length + part.length);
      if (part === plain) continue;
      if (part === "" && cellsShown(row) === indent) break;
      rows.push(row);
      row = " ".repeat(indent);
    }
    row += rest;
  }
  return [...rows, row].join("\n");
}

/** The start of the last column that leaves enough room; columns are two blanks apart. */
function indentOf(line: string, columns: number): number {
  const plain = line.replace(escapes, "");
  const leading = plain.length - plain.trimStart().length;
  let indent = leading;
  for (const gap of plain.matchAll(/\S {2,}(?=\S)/g)) {
    const at = cellsOf(plain.slice(0, gap.index + gap[0].length));
    if (at <= Math.min(columns / 2, columns - roomMin)) indent = at;
  }
  return columns - indent < roomMin ? 0 : indent;
}
