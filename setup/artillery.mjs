import { copyFileSync, existsSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { releaseOwned } from "../local/owned-file.mjs";
import { artilleryDir, artilleryManifests, artilleryProgram } from "./artillery-facts.mjs";
import { runCommand } from "./command.mjs";
import { takeLock } from "./lock.mjs";

const TEMPORARY = "new-artillery-";
/**
 * No install scripts (browsers, native sockets), no optional packages (for other systems), no development
 * packages: no scenario here uses them.
 */
const NPM_FLAGS = ["--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", "--omit=dev"];
const BYTES_A_BLOCK = 512;

export function isArtilleryHere() {
  return existsSync(artilleryProgram());
}

/**
 * Installs into a temporary folder beside the final one and renames it when it is complete, so that an
 * interrupted installation is never used. The clones of one user share the folder, so it has a lock of its
 * own.
 *
 * @param {(words: string) => void} say
 */
export async function installArtillery(say) {
  const folder = artilleryDir();
  const cache = dirname(folder);
  const lock = join(cache, "artillery.lock");
  await takeLock(lock, { say, advice: "Give another folder in LOCAL_CACHE_DIR." });
  try {
    if (isArtilleryHere()) return; // the set-up of another clone has installed it
    for (const left of readdirSync(cache))
      if (left.startsWith(TEMPORARY)) rmSync(join(cache, left), { recursive: true, force: true });
    say(`artillery is fetched into ${folder}: about 330 MB, one to two minutes, once`);
    const work = mkdtempSync(join(cache, TEMPORARY));
    const startedAtMs = performance.now();
    try {
      for (const file of ["package.json", "package-lock.json", ".npmrc"])
        copyFileSync(join(artilleryManifests, file), join(work, file));
      const advice = "Artillery is not installed. Check the network and try again.";
      await runCommand("npm", ["ci", ...NPM_FLAGS], { cwd: work, advice });
      rmSync(folder, { recursive: true, force: true });
      renameSync(work, folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
    say(`artillery is installed: ${seconds} s, ${Math.round(bytesIn(folder) / 1e6)} MB in ${folder}`);
  } finally {
    releaseOwned(lock);
  }
}

/**
 * The bytes that a folder takes on the disk.
 *
 * @param {string} folder
 * @returns {number}
 */
function bytesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : lstatSync(path).blocks * BYTES_A_BLOCK);
  }, 0);
}
