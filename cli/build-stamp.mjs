import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** In the folder of a build: the stamp of the sources from which it was made. */
export const stampFile = "cli/built-from.txt";

/** The sources of the command: the rooms that checks/import-directions.mjs lets `cli` import. */
const sources = [
  "cli",
  "callers",
  "client",
  "operator",
  "audit",
  "runtime",
  "proto",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

/**
 * Path, size and time of change of every source of the command; git detects edited files in the same way. It
 * reads the facts of 200 files in a few milliseconds, and it also detects files that were removed, added, or
 * set back to an older time by a checkout.
 *
 * @param {string} repository
 * @param {readonly string[]} of
 */
export function stampOf(repository, of = sources) {
  return of.flatMap((path) => linesOf(repository, path)).join("");
}

/**
 * @param {string} repository
 * @param {string} path
 * @returns {string[]}
 */
function linesOf(repository, path) {
  const full = join(repository, path);
  const facts = statSync(full);
  if (!facts.isDirectory()) return [`${path} ${facts.size} ${facts.mtimeMs}\n`];
  // A build of the library changes nothing of the command.
  return readdirSync(full)
    .filter((name) => name !== "dist")
    .sort()
    .flatMap((name) => linesOf(repository, `${path}/${name}`));
}

/**
 * Whether the build was made from the present sources beside it.
 *
 * @param {string} repository
 * @param {string} built
 */
export function isFresh(repository, built) {
  try {
    return readFileSync(join(built, stampFile), "utf8") === stampOf(repository);
  } catch {
    return false;
  }
}
