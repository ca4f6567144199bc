import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";

/** A file, or a pipe as the shell makes one for <(…), with a secret in it. */
export interface PipedFile {
  readonly stats: Stats;
  /** At most `maxBytes` + 1 bytes of it. */
  readonly text: string;
}

/** For a passphrase that is typed at the other end of a pipe. */
const pipeWaitMs = 60_000;
const pipeEveryMs = 20;

/** Reads in bounded memory and time; the caller refuses what is too long. @throws the error of the system */
export function readPipedFile(path: string, maxBytes: number): PipedFile {
  // A pipe into which nobody writes is not waited for: the command would not end at Ctrl-C.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { stats: fstatSync(file), text: readBounded(file, maxBytes) };
  } finally {
    closeSync(file);
  }
}

function readBounded(file: number, maxBytes: number): string {
  const bytes = Buffer.alloc(maxBytes + 1);
  const endMs = performance.now() + pipeWaitMs;
  let length = 0;
  while (length < bytes.length) {
    const read = readSome(file, bytes.subarray(length), endMs);
    if (read === 0) break;
    length += read;
  }
  return bytes.toString("utf8", 0, length);
}

/** Waits while the program at the other end of a pipe, as in <(pass show coupon), has not written yet. */
function readSome(file: number, into: Buffer, endMs: number): number {
  for (;;) {
    try {
      return readSync(file, into, 0, into.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() >= endMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pipeEveryMs);
    }
  }
}
