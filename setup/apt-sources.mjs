/**
 * Rewrites the machine's own apt sources for another release of the same distribution: the same mirrors, keys
 * and options, the other suite, `main` only. Sources of other suites (updates, security) and other vendors
 * are left out.
 */

const COMPONENT = "main";

/**
 * One-line format (`sources.list`, `*.list`).
 *
 * @param {string} text
 * @param {{ from: string, to: string }} suites
 * @returns {string[]} lines
 */
export function oneLineSourcesFor(text, { from, to }) {
  return text.split("\n").flatMap((line) => {
    const [, options = "", uri, suite, components = ""] =
      /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line.trim()) ?? [];
    if (uri === undefined || suite !== from || !components.split(/\s+/).includes(COMPONENT)) return [];
    return [`deb ${options}${uri} ${to} ${COMPONENT}`];
  });
}

/**
 * Stanza format (`*.sources`).
 *
 * @param {string} text
 * @param {{ from: string, to: string }} suites
 * @returns {string[]} stanzas
 */
export function stanzaSourcesFor(text, { from, to }) {
  const withoutComments = text.split("\n").filter((line) => !line.startsWith("#"));
  return withoutComments
    .join("\n")
    .split(/\n(?:[ \t]*\n)+/)
    .flatMap((stanza) => {
      const fields = fieldsIn(stanza);
      const words = (/** @type {string} */ name) => (fields.get(name)?.value ?? "").split(/\s+/);
      const fits =
        words("types").includes("deb") &&
        words("suites").includes(from) &&
        words("components").includes(COMPONENT) &&
        !["no", "false", "0", "off", "without", "disable"].includes(words("enabled")[0] ?? "");
      if (!fits) return [];
      const changed = new Map([
        ["types", "deb"],
        ["suites", to],
        ["components", COMPONENT],
      ]);
      const lines = [...fields].map(([key, { name, value }]) => `${name}: ${changed.get(key) ?? value}`);
      return [lines.join("\n")];
    });
}

/**
 * @param {string} stanza
 * @returns {Map<string, { name: string, value: string }>} by lower-case name; folded lines stay folded
 */
function fieldsIn(stanza) {
  /** @type {Map<string, { name: string, value: string }>} */
  const fields = new Map();
  /** @type {{ name: string, value: string } | undefined} */
  let last;
  for (const line of stanza.split("\n")) {
    const [, name, value = ""] = /^([A-Za-z][\w-]*):[ \t]*(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      last = { name, value };
      fields.set(name.toLowerCase(), last);
    } else if (last !== undefined && /^[ \t]/.test(line)) {
      last.value += `\n${line}`;
    }
  }
  return fields;
}
