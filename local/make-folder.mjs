import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it that are missing; throws the system's error where it cannot. Not mkdir's
 * own `recursive`: Node.js 20 tries for ever where a folder exists in which none can be made, as in /proc.
 *
 * @param {string} path
 * @param {number} [mode] of the folders that are made
 */
export function makeFolder(path, mode) {
  const missing = [];
  let at = resolve(path);
  for (; !existsSync(at); at = dirname(at)) missing.unshift(at);
  demandFolder(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      // Another process may have made it in this moment.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST" || !existsSync(folder)) throw error;
      demandFolder(folder);
    }
  }
}

/** @param {string} path */
function demandFolder(path) {
  if (statSync(path).isDirectory()) return;
  throw Object.assign(new Error(`ENOTDIR: ${path} is no folder`), { code: "ENOTDIR" });
}
