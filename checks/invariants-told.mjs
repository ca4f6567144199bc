/** Compares the invariants on docs/glossary.md with the names and titles that the audit reports. */
import { differences, tablesIn } from "./markdown.mjs";

/**
 * @param {string} page docs/glossary.md
 * @param {Readonly<Record<string, string>>} invariants title by name
 * @returns {string[]} what is wrong
 */
export function invariantsTold(page, invariants) {
  const told = tablesIn(page, "Invariants").flatMap(({ rows }) =>
    rows.map(([name, title]) => `${name}: ${title}`),
  );
  const real = Object.entries(invariants).map(([name, title]) => `${name}: ${title}`);
  return differences({ page: "docs/glossary.md", told, true: real, kind: "invariant" });
}
