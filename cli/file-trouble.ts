import type { FileHandle } from "node:fs/promises";
import { UserError } from "./user-error.ts";

/** What helps, by the error of the system. */
const hints: Readonly<Record<string, string>> = {
  ENOSPC: "make room there, or name a file on another disk, and give the same command again",
  EDQUOT: "make room within your quota, or name a file on another disk, and give the same command again",
  EFBIG: "files may not grow that big there: see ulimit -f, or name a file on another disk",
};

/** Does something with the file of a flag; what goes wrong there is the operator's to put right. */
export async function orUserError<T>(path: string, act: () => Promise<T>, flag = "--out"): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = codeOf(error) ?? String(error);
    throw new UserError(`${flag}: cannot write "${path}": ${why}`, {
      hint: hints[why] ?? "check the folder, its permissions and the space left",
      cause: error,
    });
  }
}

/** The system's name of an error, as in "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/**
 * Writes all of it at this place: a disk that fills up takes a part, says so, and fails only the next time.
 */
export async function writeWhole(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < data.length) {
    const { bytesWritten } = await handle.write(data, written, data.length - written, position + written);
    if (bytesWritten === 0) throw new Error("the disk takes nothing more");
    written += bytesWritten;
  }
}
