import { closeSync, constants, fchmodSync, fstatSync, openSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** The name of a private file leads to one that is not this user's alone; it was neither read nor changed. */
export class UnsafeFile extends Error {
  override readonly name = "UnsafeFile";

  constructor(path: string, why: string) {
    super(`${path} ${why}`);
  }
}

const privateMode = 0o600;
const others = 0o077;
/** A link is not followed, and a pipe is not waited for: what was opened is looked at before it is used. */
const cautious = constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Another process may make and remove the file between two calls. */
const attemptsMax = 5;

/** Makes a file that did not exist, for this user alone. @throws EEXIST, where the name is a link too */
export function createPrivateFile(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | cautious, privateMode);
}

/**
 * Opens a file that an earlier run of this user made. In a folder in which others may write, another user can
 * have put something else in its place. undefined: there is none. @throws UnsafeFile
 */
export async function openPrivateFile(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDWR | cautious);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw codeOf(error) === "ELOOP" ? new UnsafeFile(path, isLink) : error;
  }
  const why = whyUnsafe(await handle.stat());
  if (why === undefined) return handle;
  await handle.close();
  throw new UnsafeFile(path, why);
}

/** An empty file for this user alone; what an earlier run left there is dropped. @throws UnsafeFile */
export async function emptyPrivateFile(path: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await createPrivateFile(path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || attempt === attemptsMax) throw error;
    }
    const handle = await openPrivateFile(path);
    if (handle === undefined) continue;
    await handle.truncate(0);
    return handle;
  }
}

/**
 * The descriptor of a file to append to, made where there is none. `tighten`: rights that an earlier version
 * gave to others are taken away, instead of the file being refused for them. @throws UnsafeFile
 */
export function appendPrivateFile(path: string, { tighten = false } = {}): number {
  let file: number;
  try {
    file = openSync(
      path,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | cautious,
      privateMode,
    );
  } catch (error) {
    throw codeOf(error) === "ELOOP" ? new UnsafeFile(path, isLink) : error;
  }
  try {
    const why = whyUnsafe(fstatSync(file), tighten);
    if (why !== undefined) throw new UnsafeFile(path, why);
    if (tighten) fchmodSync(file, privateMode);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

const isLink = "is a symbolic link";

function whyUnsafe(found: Stats, modeMayDiffer = false): string | undefined {
  if (!found.isFile()) return "is not a regular file";
  const user = process.geteuid?.();
  if (user !== undefined && found.uid !== user) return `belongs to another user (uid ${found.uid})`;
  if (found.nlink !== 1) return `has ${found.nlink} names (hard links)`;
  if (!modeMayDiffer && (found.mode & others) !== 0)
    return `is open to other users (mode ${(found.mode & 0o777).toString(8).padStart(4, "0")})`;
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
