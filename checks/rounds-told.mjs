/** Compares the rounds of the fault harness in the tables of pages with its catalogue. */
import { codeSpansOf, differences, tablesOf } from "./markdown.mjs";

/**
 * The code spans of each column whose head contains "round"; a span with a slash is a test file.
 *
 * @param {string} page
 * @returns {string[]}
 */
function roundsOf(page) {
  return tablesOf(page).flatMap(({ head, rows }) => {
    const columns = head.flatMap((cell, index) => (/\bround\b/.test(cell) ? [index] : []));
    const cells = rows.flatMap((row) => columns.map((index) => row[index] ?? ""));
    return cells.flatMap(codeSpansOf).filter((span) => !span.includes("/"));
  });
}

/**
 * @param {string} operations docs/operations.md, which names every round
 * @param {readonly { file: string, text: string }[]} others pages that name some rounds
 * @param {readonly string[]} rounds
 * @returns {string[]} what is wrong
 */
export function roundsTold(operations, others, rounds) {
  const unknown = others.flatMap(({ file, text }) =>
    roundsOf(text)
      .filter((name) => !rounds.includes(name))
      .map((name) => `${file} has ${name}, which is no round`),
  );
  const told = roundsOf(operations);
  return [...differences({ page: "docs/operations.md", told, true: rounds, kind: "round" }), ...unknown];
}
