import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "./cache-dir.mjs";
import { SetupError } from "./error.mjs";

const HASH_CHARS = 16;

/** The folder of the scenarios and of the lock file that names their version of artillery. */
export const artilleryManifests = fileURLToPath(new URL("../artillery", import.meta.url));

/**
 * The folder into which set-up installs artillery: one for each content of the lock file, outside the clone,
 * because all clones of one user share it.
 */
export function artilleryDir() {
  const lock = join(artilleryManifests, "package-lock.json");
  let text;
  try {
    text = readFileSync(lock);
  } catch {
    throw new SetupError(`${lock} cannot be read. Check the repository out again.`);
  }
  const hash = createHash("sha256").update(text).digest("hex").slice(0, HASH_CHARS);
  return join(cacheDir(), `artillery-${hash}`);
}

export function artilleryProgram() {
  return join(artilleryDir(), "node_modules", "artillery", "bin", "run");
}
