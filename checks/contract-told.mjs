/** Compares the methods and the reasons of a refusal on docs/api.md with the contract. */
import { codeSpansOf, differences, tablesIn } from "./markdown.mjs";

const PAGE = "docs/api.md";

/**
 * @typedef {{ name: string, methods: readonly { name: string, stream: boolean }[] }} Service in the order of
 * the page's tables
 */

/**
 * @param {string} page docs/api.md
 * @param {readonly Service[]} services
 * @param {readonly string[]} reasons
 * @returns {string[]} what is wrong
 */
export function contractTold(page, services, reasons) {
  const tables = tablesIn(page, "Services");
  const wrong = services.flatMap(({ name, methods }, index) => {
    const cells = tables[index]?.rows.map(([cell = ""]) => cell) ?? [];
    const written = cells.flatMap((cell) =>
      codeSpansOf(cell).map((method) => (cell.includes("(stream)") ? `${method} (stream)` : method)),
    );
    const real = methods.map((method) => (method.stream ? `${method.name} (stream)` : method.name));
    return differences({ page: PAGE, told: written, true: real, kind: `method of ${name}` });
  });
  const told = tablesIn(page, "Refusals").flatMap(({ rows }) =>
    rows.flatMap(([cell = ""]) => codeSpansOf(cell)),
  );
  return [...wrong, ...differences({ page: PAGE, told, true: reasons, kind: "reason of a refusal" })];
}
