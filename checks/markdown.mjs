/**
 * Reads the parts of a Markdown page that the checks of the documentation need: its fenced blocks, its
 * tables, its code spans, its headings.
 */

/**
 * @typedef {{ language: string, text: string }} Fence
 * @typedef {{ section: string, head: readonly string[], rows: readonly (readonly string[])[] }} Table
 * `section`: the heading above it.
 */

/**
 * The lines of a page, each with whether it lies in a fenced block (the fences themselves do).
 *
 * @param {string} page
 * @returns {{ line: string, fenced: boolean, opens: string | undefined }[]} `opens`: the language of the
 * block that the line opens
 */
function linesOf(page) {
  let open = "";
  return page.split("\n").map((line) => {
    const [, mark = "", language = ""] = /^\s*(`{3,}|~{3,})\s*(\S*)/.exec(line) ?? [];
    if (open === "") {
      open = mark;
      return { line, fenced: mark !== "", opens: mark === "" ? undefined : language };
    }
    if (mark.startsWith(open)) open = "";
    return { line, fenced: true, opens: undefined };
  });
}

/**
 * @param {string} page
 * @returns {Fence[]}
 */
export function fencesOf(page) {
  /** @type {{ language: string, lines: string[] }[]} */
  const fences = [];
  for (const { line, fenced, opens } of linesOf(page)) {
    if (opens !== undefined) fences.push({ language: opens, lines: [] });
    else if (fenced) fences.at(-1)?.lines.push(line);
  }
  // The closing fence is the last line of each.
  return fences.map(({ language, lines }) => ({ language, text: lines.slice(0, -1).join("\n") }));
}

/** @param {string} page */
export function withoutFences(page) {
  return linesOf(page)
    .map(({ line, fenced }) => (fenced ? "" : line))
    .join("\n");
}

/**
 * @param {string} page
 * @returns {Table[]}
 */
export function tablesOf(page) {
  /** @type {{ section: string, head: string[], rows: string[][] }[]} */
  const tables = [];
  let section = "";
  let inTable = false;
  for (const line of withoutFences(page).split("\n")) {
    if (line.startsWith("#")) section = line.replace(/^#+\s*/, "");
    if (!line.startsWith("|")) {
      inTable = false;
      continue;
    }
    const cells = line
      .replace(/^\||\|\s*$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
    if (!inTable) tables.push({ section, head: cells, rows: [] });
    else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) tables.at(-1)?.rows.push(cells);
    inTable = true;
  }
  return tables;
}

/**
 * @param {string} page
 * @param {string} heading
 */
export function tablesIn(page, heading) {
  return tablesOf(page).filter(({ section }) => section === heading);
}

/**
 * @param {string} text without fenced blocks
 * @returns {string[]}
 */
export function codeSpansOf(text) {
  return [...text.matchAll(/(`+)(.+?)\1/gs)].map(([, , span = ""]) => span.replace(/\s+/g, " ").trim());
}

/**
 * The anchors that GitHub gives to the headings of a page.
 *
 * @param {string} page
 * @returns {Set<string>}
 */
export function anchorsOf(page) {
  /** @type {Set<string>} */
  const anchors = new Set();
  for (const [, words = ""] of withoutFences(page).matchAll(/^#{1,6}\s+(.*)$/gm)) {
    const plain = words.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/`/g, "");
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let free = slug;
    for (let again = 1; anchors.has(free); again++) free = `${slug}-${again}`;
    anchors.add(free);
  }
  return anchors;
}

/**
 * One message for each entry that only one of the two lists has.
 *
 * @param {{ page: string, told: Iterable<string>, true: Iterable<string>, kind: string }} lists
 * @returns {string[]}
 */
export function differences({ page, told, true: real, kind }) {
  const [onPage, inCode] = [new Set(told), new Set(real)];
  return [
    ...[...inCode]
      .filter((name) => !onPage.has(name))
      .map((name) => `${page} does not have the ${kind} ${name}`),
    ...[...onPage]
      .filter((name) => !inCode.has(name))
      .map((name) => `${page} has ${name}, which is no ${kind}`),
  ];
}
