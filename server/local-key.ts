import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { OPERATOR_KEY_PREFIX, sha256Of } from "../runtime/hashed-key-settings.ts";
import { localKeyFile, localKeyFolder, readLocalKey } from "../runtime/local-key-file.ts";
import type { Logger } from "../runtime/logger.ts";

/** The operators' key of a service that has none in its settings. */
export type LocalKey = {
  /** The SHA-256 of the key in hex: all that a worker gets. */
  readonly sha256: string;
  /**
   * Writes the key to the file of the port that operators call, and logs where that is. `address`: on which
   * the service listens, as a URL has it; without it, the usual one.
   */
  publish(port: number, address?: string): void;
  /** Removes the file, unless another service has replaced it. */
  remove(): void;
};

type Environment = Readonly<Record<string, string | undefined>>;

const KEY_BYTES = 32;

export function createLocalKey(env: Environment, logger: Logger): LocalKey {
  const key = OPERATOR_KEY_PREFIX + randomBytes(KEY_BYTES).toString("base64url");
  let written: string | undefined;
  let isOver = false;

  return {
    sha256: sha256Of(key),
    publish(port, address) {
      // The process may have been asked to end while it started.
      if (isOver) return;
      const [folder, file] = [localKeyFolder(env), localKeyFile(env, port, address)];
      try {
        if (folder === undefined || file === undefined) throw new Error("this user has no home");
        makePrivate(folder);
        writeKey(file, key);
        written = file;
        logger.info({ file }, "no operator's credential is configured: operators need the key in this file");
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        logger.warn(
          { file, why },
          "no operator can call this service until OPERATOR_KEYS or OPERATOR_TOKEN is set: the key that it made cannot be written to a file",
        );
      }
    },
    remove() {
      isOver = true;
      if (written === undefined) return;
      const look = readLocalKey(written);
      if (look.kind === "key" && look.key === key) rmSync(written, { force: true });
    },
  };
}

/** Makes the folder and those above it, below one that exists. @throws where it is not the user's alone */
function makePrivate(folder: string): void {
  const above = dirname(folder);
  // `~/.local/state` may be missing, the home may not: a service must not make one where there is none.
  for (const path of [dirname(above), above, folder]) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is no folder`);
  if (stats.uid !== process.getuid?.()) throw new Error(`${folder} belongs to another user`);
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/**
 * Replaces the file at once: no reader sees half a key. What a killed service left is replaced too, since its
 * port, and so its file, is this service's now.
 */
function writeKey(file: string, key: string): void {
  const draft = join(dirname(file), `.${process.pid}-${randomBytes(6).toString("hex")}`);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const opened = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      writeSync(opened, `${key}\n`);
    } finally {
      closeSync(opened);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
