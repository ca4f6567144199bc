import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { SetupError } from "./error.mjs";

/**
 * The folder for large files that all clones of one user share: LOCAL_CACHE_DIR, else coupon-issuer in
 * $XDG_CACHE_HOME, else in ~/.cache.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function cacheDir(env = process.env) {
  const { LOCAL_CACHE_DIR: given, XDG_CACHE_HOME: base, HOME: home } = env;
  if (given !== undefined && given !== "") {
    if (isAbsolute(given)) return given;
    throw new SetupError(`LOCAL_CACHE_DIR must be an absolute path, not "${given}"`);
  }
  // The XDG specification: a relative path there is to be ignored.
  const folder = base !== undefined && isAbsolute(base) ? base : join(home || homedir(), ".cache");
  return join(folder, "coupon-issuer");
}
