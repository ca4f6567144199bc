import { randomUUID } from "node:crypto";
import { open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { orUserError } from "./file-trouble.ts";
import type { Output } from "./output.ts";
import { UserError } from "./user-error.ts";

/** The target of exported rows. Exactly one of `finish` and `abandon` ends it. */
export interface Sink {
  write(text: string): Promise<void>;
  /** Completes the result. */
  finish(): Promise<void>;
  /** Leaves no half result behind, where that is possible. */
  abandon(): Promise<void>;
}

export function outputSink(output: Output): Sink {
  return {
    write: (text) => output.writeData(text),
    finish: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  };
}

/** Writes beside the file and renames at the end: a reader gets the old file or the complete new one. */
export async function fileSink(path: string, flag = "--out"): Promise<Sink> {
  const existing = await stat(path).catch(() => undefined);
  // A rename would put a file in the place of a device or a pipe.
  if (existing !== undefined && !existing.isFile()) {
    throw new UserError(`${flag}: "${path}" is not a file`, {
      hint: flag === "--out" ? "name a file, or leave --out away and use >" : "name a file",
    });
  }
  const target = existing === undefined ? path : await realpath(path);
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.part`);
  // Codes are worth money: only the file's owner may read a new file.
  const trouble = <T>(act: () => Promise<T>) => orUserError(path, act, flag);
  const handle = await trouble(() => open(draft, "wx", 0o600));
  return {
    write: (text) =>
      trouble(async () => {
        await handle.writeFile(text);
      }),
    finish: () =>
      trouble(async () => {
        await handle.sync();
        await handle.close();
        await rename(draft, target);
      }),
    async abandon() {
      await handle.close().catch(() => undefined);
      await unlink(draft).catch(() => undefined);
    },
  };
}
