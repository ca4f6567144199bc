/** Compares the rounds of the fault harness and of the hosts in the tables of pages with its catalogue. */
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

/**
 * The table of the rounds of `--alerts`: each round in its first column, the alerts that it must fire in its
 * last one.
 *
 * @param {string} page docs/observability.md
 * @param {readonly { name: string, alerts: readonly string[] }[]} rounds
 * @returns {string[]} what is wrong
 */
export function alertRoundsTold(page, rounds) {
  const rows = tablesOf(page)
    .filter(({ head }) => head[0] === "round")
    .flatMap(({ rows: all }) => all)
    .map((cells) => ({
      name: codeSpansOf(cells[0] ?? "")[0] ?? "",
      alerts: codeSpansOf(cells.at(-1) ?? ""),
    }));
  const wrong = differences({
    ...{ page: "docs/observability.md", kind: "round of --alerts" },
    told: rows.map(({ name }) => name),
    true: rounds.map(({ name }) => name),
  });
  for (const { name, alerts } of rounds) {
    const row = rows.find((one) => one.name === name);
    if (row !== undefined && row.alerts.join() !== alerts.join())
      wrong.push(
        `docs/observability.md has ${row.alerts.join(", ")} for ${name}: it fires ${alerts.join(", ")}`,
      );
  }
  return wrong;
}
