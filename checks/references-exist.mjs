/**
 * Checks that the references of pages exist: npm scripts, links within the repository with their anchors,
 * files named in code spans.
 */
import { posix } from "node:path";
import { anchorsOf, codeSpansOf, fencesOf, withoutFences } from "./markdown.mjs";

/**
 * @typedef {{ file: string, text: string }} Page
 * @typedef {{ scripts: readonly string[], tree: ReadonlySet<string> }} Repository `tree`: every file and
 * folder in it, from its top
 */

/** Commands of npm itself, which are no scripts of package.json. */
const OWN_SCRIPTS = new Set(["pack", "ci"]);

/**
 * @param {readonly Page[]} pages
 * @param {Repository} repository
 * @returns {string[]} what is wrong
 */
export function missingReferences(pages, { scripts, tree }) {
  const anchors = new Map(pages.map(({ file, text }) => [file, anchorsOf(text)]));
  const roots = new Set([...tree].map((path) => path.split("/")[0] ?? ""));
  return pages.flatMap((page) => [
    ...missingScripts(page, scripts),
    ...missingLinks(page, tree, anchors),
    ...missingFiles(page, tree, roots),
  ]);
}

/**
 * @param {Page} page
 * @param {readonly string[]} scripts
 */
function missingScripts({ file, text }, scripts) {
  const code = [...fencesOf(text).map((fence) => fence.text), ...codeSpansOf(withoutFences(text))].join("\n");
  const named = [...code.matchAll(/\bnpm (?:-s )?(?:run (?:-s )?([a-z][\w:-]*)|(start|test)\b)/g)];
  return [...new Set(named.map(([, run, short]) => run ?? short ?? ""))]
    .filter((name) => !scripts.includes(name) && !OWN_SCRIPTS.has(name))
    .map((name) => `${file}: npm run ${name} is no script of package.json`);
}

/**
 * @param {Page} page
 * @param {ReadonlySet<string>} tree
 * @param {ReadonlyMap<string, ReadonlySet<string>>} anchors
 */
function missingLinks({ file, text }, tree, anchors) {
  const links = [...withoutFences(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
  return links.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", anchor] = target.split("#");
    const linked =
      path === "" ? file : posix.normalize(posix.join(posix.dirname(file), path)).replace(/\/$/, "");
    if (!tree.has(linked)) return [`${file}: the link ${target} leads nowhere`];
    const known = anchors.get(linked);
    return anchor !== undefined && known !== undefined && !known.has(anchor)
      ? [`${file}: the link ${target} leads to no heading of ${linked}`]
      : [];
  });
}

/**
 * A code span that begins with a folder of the repository must name one of its files or folders.
 *
 * @param {Page} page
 * @param {ReadonlySet<string>} tree
 * @param {ReadonlySet<string>} roots
 */
function missingFiles({ file, text }, tree, roots) {
  return codeSpansOf(withoutFences(text)).flatMap((span) => {
    if (!/^[\w.@-]+(\/[\w.@-]+)*\/[\w.@-]*$/.test(span) || !roots.has(span.split("/")[0] ?? "")) return [];
    return tree.has(span.replace(/\/$/, "")) ? [] : [`${file}: there is no ${span}`];
  });
}
