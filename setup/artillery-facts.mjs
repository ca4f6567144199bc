import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "./cache-dir.mjs";
import { SetupError } from "./error.mjs";

const HASH_CHARS = 16;

/** The scenarios, and the lock that says which artillery they are for. */
export const artilleryManifests = fileURLToPath(new URL("../artillery", import.meta.url));

/**
 * Where setup puts the load generator: one folder for each lock, outside the clone, since every clone can use
 * it.
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
