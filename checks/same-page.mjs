/** Compares a page with its translation: both have the same blocks to paste and the same tables. */
import { codeSpansOf, fencesOf, tablesOf } from "./markdown.mjs";

/**
 * A block without its comments: a translation changes only these.
 *
 * @param {{ language: string, text: string }} fence
 */
function commandsOf({ language, text }) {
  if (language !== "sh") return text;
  const lines = text.split("\n").map((line) => line.replace(/(^|\s+)# .*$/, "").trimEnd());
  return lines.filter((line) => line !== "").join("\n");
}

/**
 * @param {readonly [file: string, page: string]} one
 * @param {readonly [file: string, page: string]} other
 * @returns {string[]} what differs
 */
export function pageDifferences([oneFile, one], [otherFile, other]) {
  const both = `${oneFile} and ${otherFile}`;
  const wrong = [];
  const blocks = [fencesOf(one), fencesOf(other)].map((fences) => fences.map(commandsOf));
  const [left = [], right = []] = blocks;
  if (left.length !== right.length) wrong.push(`${both}: ${left.length} and ${right.length} blocks of code`);
  else
    for (const [index, block] of left.entries())
      if (block !== right[index])
        wrong.push(`${both}: block ${index + 1} differs: ${firstDifference(block, right[index] ?? "")}`);

  const [leftTables, rightTables] = [tablesOf(one), tablesOf(other)];
  if (leftTables.length !== rightTables.length) {
    return [...wrong, `${both}: ${leftTables.length} and ${rightTables.length} tables`];
  }
  for (const [index, table] of leftTables.entries()) {
    const twin = rightTables[index];
    if (twin === undefined) continue;
    if (table.rows.length !== twin.rows.length) {
      wrong.push(`${both}: table ${index + 1} has ${table.rows.length} and ${twin.rows.length} rows`);
      continue;
    }
    for (const [row, cells] of table.rows.entries()) {
      const spans = spansOf(cells);
      const others = spansOf(twin.rows[row] ?? []);
      if (spans !== others)
        wrong.push(
          `${both}: table ${index + 1}, row ${row + 1}: ${spans || "no code"} and ${others || "no code"}`,
        );
    }
  }
  return wrong;
}

/**
 * Sorted, because the word order differs between languages.
 *
 * @param {readonly string[]} cells
 */
function spansOf(cells) {
  return cells.flatMap(codeSpansOf).sort().join(", ");
}

/**
 * @param {string} one
 * @param {string} other
 */
function firstDifference(one, other) {
  const [left, right] = [one.split("\n"), other.split("\n")];
  const index = left.findIndex((line, at) => line !== right[at]);
  const at = index === -1 ? left.length : index;
  return `${JSON.stringify(left[at] ?? "")} and ${JSON.stringify(right[at] ?? "")}`;
}
