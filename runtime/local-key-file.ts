import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { OPERATOR_KEY_PREFIX } from "./hashed-key-settings.ts";

/**
 * The file with which a service that no operator's credential is configured for hands the key that it made at
 * its start to the operators who are the same user on the same machine.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** What a look at the file found. `absent`: there is no such file. `wrong`: it cannot be trusted. */
export type LocalKeyLook =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "absent" }
  | { readonly kind: "wrong"; readonly why: string };

/** 256 bits in base64url, behind the beginning of all operators' keys. */
const KEY = new RegExp(`^${OPERATOR_KEY_PREFIX}[A-Za-z0-9_-]{43}$`);
const BYTES_MAX = 100;

/**
 * `$XDG_STATE_HOME/coupon`, else `~/.local/state/coupon`; undefined: the user has no home. Not
 * XDG_RUNTIME_DIR: it is emptied when the user logs out, while the service may run on, and a program that was
 * started another way (sudo, cron, docker exec) does not have it.
 */
export function localKeyFolder(env: Environment): string | undefined {
  const state = env["XDG_STATE_HOME"];
  // The XDG specification: a relative path in it is ignored.
  if (state !== undefined && isAbsolute(state)) return join(state, "coupon");
  const home = env["HOME"] || homeOfUser();
  return home !== undefined && isAbsolute(home) ? join(home, ".local", "state", "coupon") : undefined;
}

/** Where a service listens unless HOST says otherwise. */
const USUAL_ADDRESS = "127.0.0.1";

/**
 * In that folder each service has a file of its own, by the loopback address and the port that operators
 * call: another user's program may listen on the same port of another loopback address. `address`: as a URL
 * has it, without brackets.
 */
export function localKeyFile(env: Environment, port: number, address = USUAL_ADDRESS): string | undefined {
  const folder = localKeyFolder(env);
  const name = address === USUAL_ADDRESS ? `operator-${port}` : `operator-${port}@${address}`;
  return folder === undefined ? undefined : join(folder, name);
}

/** Reads the file, unless another user could have written or read it. */
export function readLocalKey(path: string): LocalKeyLook {
  let file: number;
  try {
    // A link is not followed, and a pipe in its place is not waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "absent" };
    return { kind: "wrong", why: code === "ELOOP" ? "it is a link" : `it cannot be read (${code})` };
  }
  try {
    const why = distrustOf(fstatSync(file));
    if (why !== undefined) return { kind: "wrong", why };
    const key = readFileSync(file, "utf8").trimEnd();
    return KEY.test(key) ? { kind: "key", key } : { kind: "wrong", why: "it holds no key" };
  } finally {
    closeSync(file);
  }
}

function distrustOf(stats: Stats): string | undefined {
  if (!stats.isFile()) return "it is no regular file";
  if (stats.uid !== process.getuid?.()) return "it belongs to another user";
  if ((stats.mode & 0o077) !== 0) return "other users may read or change it";
  if (stats.nlink !== 1) return "it has a second name (a hard link)";
  return stats.size > BYTES_MAX ? "it holds no key" : undefined;
}

function homeOfUser(): string | undefined {
  try {
    return homedir();
  } catch {
    // A container may run as a user that no file knows.
    return undefined;
  }
}
