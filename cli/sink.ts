import { randomUUID } from "node:crypto";
import { rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createPrivateFile } from "../runtime/private-file.ts";
import { orUserError } from "./file-trouble.ts";
import type { Output } from "./output.ts";
import { targetOf } from "./output-target.ts";

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
  const target = await targetOf(
    path,
    flag,
    flag === "--out" ? "name a file, or leave --out away and use >" : "name a file",
  );
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.part`);
  const trouble = <T>(act: () => Promise<T>) => orUserError(path, act, flag);
  // Codes are worth money: only the file's owner may read a new file.
  const handle = await trouble(() => createPrivateFile(draft));
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
