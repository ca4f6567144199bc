/**
 * Compares the table of settings on docs/configuration.md and the file .env.example with the settings that a
 * service process reads.
 */
import { codeSpansOf, differences, tablesIn } from "./markdown.mjs";

/**
 * @typedef {{
 *   names: readonly string[],
 *   defaults: Readonly<Record<string, unknown>>,
 *   local: readonly string[],
 * }} Settings `defaults`: the values that apply where nothing is set; `local`: the local stack's settings.
 */

/** @param {string} page */
function rowsOf(page) {
  return tablesIn(page, "Settings").flatMap(({ rows }) =>
    rows.map(([name = "", given = ""]) => ({ name: codeSpansOf(name)[0] ?? name, given })),
  );
}

/**
 * @param {string} page docs/configuration.md
 * @param {Settings} settings
 * @returns {string[]} what is wrong
 */
export function settingsTold(page, { names, defaults, local }) {
  const file = "docs/configuration.md";
  const rows = rowsOf(page);
  const told = rows.map(({ name }) => name);
  const wrong = differences({ page: file, told, true: [...names, ...local], kind: "setting" });
  for (const { name, given } of rows) {
    if (defaults[name] === undefined) continue;
    const [first] = codeSpansOf(given);
    const real = String(defaults[name]);
    if (first !== real) wrong.push(`${file} gives ${name} the default ${first ?? given}: it is ${real}`);
  }
  return wrong;
}

/**
 * .env.example has each setting of the table once, as a comment, under a line that says what it means, and
 * with the default where it has one.
 *
 * @param {string} example .env.example
 * @param {string} page docs/configuration.md
 * @returns {string[]} what is wrong
 */
export function exampleHolds(example, page) {
  const file = ".env.example";
  const lines = example.split("\n");
  const wrong = [];
  /** @type {Map<string, string>} */
  const values = new Map();
  for (const [index, line] of lines.entries()) {
    const [, mark, name = "", value = ""] = /^(#?)\s?([A-Z][A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (name === "") continue;
    if (mark !== "#") wrong.push(`${file} sets ${name}: an example is a comment`);
    if (values.has(name)) wrong.push(`${file} has ${name} twice`);
    if (!/^# \S/.test(lines[index - 1] ?? ""))
      wrong.push(`${file} does not say what ${name} means, in the line above`);
    values.set(name, value.replace(/^"(.*)"$/, "$1"));
  }
  const rows = rowsOf(page);
  wrong.push(
    ...differences({ page: file, told: values.keys(), true: rows.map(({ name }) => name), kind: "setting" }),
  );
  for (const { name, given } of rows) {
    // A setting that is required, or has no default, has an example value there.
    const [first] = /^`/.test(given) ? codeSpansOf(given) : [];
    const value = values.get(name);
    if (value !== undefined && first !== undefined && value !== first)
      wrong.push(`${file} gives ${name} the default ${value}: docs/configuration.md says ${first}`);
  }
  return wrong;
}
