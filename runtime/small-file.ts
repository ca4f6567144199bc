import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/**
 * A file that a setting names: a key, a certificate, a secret. Its name may lead to anything: reading a pipe
 * waits for ever, reading /dev/zero fills the memory, and in a running service, which reads it again, either
 * one stops more than that reading.
 */

/** The file was not read to its end; the message says why, and does not repeat the path. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
}

/** Links are followed: Kubernetes mounts secrets by them. A pipe is not waited for. */
const CAUTIOUS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** @throws UnreadableFile where it is no regular file of at most `bytesMax` bytes */
export async function readSmallFile(path: string, bytesMax: number): Promise<Buffer> {
  const handle = await open(path, CAUTIOUS).catch(unreadable);
  try {
    return await readSmallHandle(handle, bytesMax).catch(unreadable);
  } finally {
    await handle.close();
  }
}

/** The same, of a file that is open already. */
export async function readSmallHandle(handle: FileHandle, bytesMax: number): Promise<Buffer> {
  refuse(await handle.stat(), bytesMax);
  const bytes = Buffer.alloc(bytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return ofLength(bytes, length, bytesMax);
}

/** For the start, and for commands: the caller waits. @throws UnreadableFile as above */
export function readSmallFileSync(path: string, bytesMax: number): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, CAUTIOUS);
    refuse(fstatSync(file), bytesMax);
    const bytes = Buffer.alloc(bytesMax + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(file, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return ofLength(bytes, length, bytesMax);
  } catch (error) {
    return unreadable(error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function refuse(stats: Stats, bytesMax: number): void {
  if (!stats.isFile()) throw new UnreadableFile(`is ${kindOf(stats)}, not a regular file`);
  if (stats.size > bytesMax) throw tooLong(bytesMax);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  return stats.isFIFO() ? "a pipe" : "a device";
}

/** The size is looked at again: a file may grow while it is read, and those of /proc tell none. */
function ofLength(bytes: Buffer, length: number, bytesMax: number): Buffer {
  if (length > bytesMax) throw tooLong(bytesMax);
  // A copy, so that a small file does not keep the space of the largest one.
  return Buffer.from(bytes.subarray(0, length));
}

const tooLong = (bytesMax: number) => new UnreadableFile(`has more than ${bytesMax} bytes`);

/** ENXIO: the system opens no socket as a file. */
function unreadable(cause: unknown): never {
  if (cause instanceof UnreadableFile) throw cause;
  const { code = "unknown error" } = cause as NodeJS.ErrnoException;
  const why = code === "ENXIO" ? "is a socket, not a regular file" : `cannot be read (${code})`;
  throw new UnreadableFile(why, { cause });
}
