import type { FileHandle } from "node:fs/promises";
import { UnsafeFile } from "../runtime/private-file.ts";
import { UserError } from "./user-error.ts";

/** Hints by the system's error code. */
const hints: Readonly<Record<string, string>> = {
  ENOSPC: "make room there, or name a file on another disk, and give the same command again",
  EDQUOT: "make room within your quota, or name a file on another disk, and give the same command again",
  EEXIST: "there is a file of that name, and it is never written over: name another",
  EFBIG: "files may not grow that big there: see ulimit -f, or name a file on another disk",
};

/** Runs `act` on the file of a flag; turns its errors into UserErrors, which the operator can correct. */
export async function orUserError<T>(path: string, act: () => Promise<T>, flag = "--out"): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof UnsafeFile)
      throw new UserError(`${flag}: ${error.message}`, {
        hint: "find out who made it and remove it, or name a file in a folder where only you may write",
        cause: error,
      });
    const why = codeOf(error) ?? String(error);
    throw new UserError(`${flag}: cannot write "${path}": ${why}`, {
      hint: hints[why] ?? "check the folder, its permissions and the space left",
      cause: error,
    });
  }
}

/** A file of a flag that cannot be read. */
export function unreadable(path: string, error: unknown, flag = "--codes"): UserError {
  const why = codeOf(error) ?? String(error);
  return new UserError(`${flag}: cannot read "${path}": ${why}`, { cause: error });
}

/** The system's name of an error, as in "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/**
 * Writes all data at this position: a disk that fills up takes a part, returns its length, and fails only at
 * the next write.
 */
export async function writeWhole(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < data.length) {
    const { bytesWritten } = await handle.write(data, written, data.length - written, position + written);
    if (bytesWritten === 0) throw new Error("the disk takes nothing more");
    written += bytesWritten;
  }
}
