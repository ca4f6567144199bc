import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** In the folder of a build: the stamp of the sources that it was made of. */
export const stampFile = "cli/built-from.txt";

/** The command is made of these; see the imports that Biome allows it. */
const sources = [
  "cli",
  "callers",
  "audit",
  "runtime",
  "proto/gen",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

/**
 * Path, size and time of change of every source of the command, as git tells an edited file: a look at 200
 * files, a few milliseconds, and it also notices one that was removed, that came, or that a checkout set back
 * to an older time.
 *
 * @param {string} repository
 */
export function stampOf(repository) {
  return sources.flatMap((path) => linesOf(repository, path)).join("");
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
  return readdirSync(full)
    .sort()
    .flatMap((name) => linesOf(repository, `${path}/${name}`));
}

/**
 * Whether the build is of the sources beside it as they are now.
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
