/** Compares the exit codes on docs/operations.md with those of the service. */
import { differences, tablesIn } from "./markdown.mjs";

/**
 * @param {string} page docs/operations.md
 * @param {Readonly<Record<string, number>>} exit
 * @returns {string[]} what is wrong
 */
export function exitCodesTold(page, exit) {
  const told = tablesIn(page, "Exit codes").flatMap(({ rows }) => rows.map(([code = ""]) => code));
  return differences({
    page: "docs/operations.md",
    told,
    true: Object.values(exit).map(String),
    kind: "exit code",
  });
}
