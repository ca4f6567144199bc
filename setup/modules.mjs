import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";

/** In node_modules: the hash of the lock file that they were installed from. Removed with them. */
const HASH_FILE = ".setup-hash";

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean,
 *   link?: boolean }}
 * LockedPackage
 */

/**
 * Whether the node modules of a folder are those that its lock file names.
 *
 * @param {string} folder
 */
export function areModulesInstalled(folder) {
  const modules = join(folder, "node_modules");
  const installedLock = join(modules, ".package-lock.json"); // npm writes it last
  if (!existsSync(installedLock)) return false;
  const hash = hashOf(folder);
  const hashFile = join(modules, HASH_FILE);
  if (existsSync(hashFile) && readFileSync(hashFile, "utf8") === hash) return true;
  // A user may have run npm without set-up: compare the installed modules with the lock file.
  if (!isInstalledFrom(join(folder, "package-lock.json"), installedLock)) return false;
  try {
    writeFileSync(hashFile, hash);
  } catch {
    // the folder is not writable: the comparison is repeated next time
  }
  return true;
}

/** @param {string} folder */
export async function installModules(folder) {
  const hash = hashOf(folder);
  await runCommand("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: folder,
    advice: "Node modules are not installed. Check the network, then run `npm ci` there yourself.",
  });
  writeFileSync(join(folder, "node_modules", HASH_FILE), hash);
}

/** @param {string} folder */
function hashOf(folder) {
  const lock = join(folder, "package-lock.json");
  try {
    return createHash("sha256").update(readFileSync(lock)).digest("hex");
  } catch {
    throw new SetupError(`${lock} cannot be read. Check the repository out again.`);
  }
}

/**
 * @param {string} lockFile
 * @param {string} installedFile
 */
function isInstalledFrom(lockFile, installedFile) {
  const wanted = packagesIn(lockFile);
  const installed = packagesIn(installedFile);
  for (const [path, { version, integrity }] of installed) {
    const want = wanted.get(path);
    if (want === undefined || want.version !== version || want.integrity !== integrity) return false;
  }
  for (const [path, { optional, devOptional }] of wanted) {
    if (!installed.has(path) && optional !== true && devOptional !== true) return false;
  }
  return true;
}

/**
 * @param {string} file
 * @returns {Map<string, LockedPackage>}
 */
function packagesIn(file) {
  /** @type {{ packages?: Record<string, LockedPackage> }} */
  const lock = JSON.parse(readFileSync(file, "utf8"));
  return new Map(Object.entries(lock.packages ?? {}).filter(([path]) => path !== ""));
}
