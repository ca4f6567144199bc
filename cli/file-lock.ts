import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { codeOf } from "./file-trouble.ts";
import { UserError } from "./user-error.ts";

/** A lock on a file: the lock file names its holder. */
export interface FileLock {
  /** @throws UserError where another process has taken the lock or removed the file meanwhile. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

interface Holder {
  readonly id: string;
  /** The id of this run of the program, because pids are reused. */
  readonly run: string;
  readonly host: string;
  /** The id of the machine's boot; "": the system has none. */
  readonly boot: string;
  readonly pid: number;
  readonly since: string;
}

const run = randomUUID();

/** Other processes may change the file between two calls; after so many tries the lock counts as taken. */
const attemptsMax = 5;
/** More than the record of a holder has. */
const maxBytes = 16 * 1024;

/**
 * Takes the lock, also from a process of this machine that has ended. `what` names the locked thing. @throws
 * UserError where it is taken
 */
export async function takeFileLock(path: string, what: string): Promise<FileLock> {
  const mine: Holder = {
    ...{ id: randomUUID(), run, host: hostname(), boot: await bootId() },
    ...{ pid: process.pid, since: new Date().toISOString() },
  };
  const text = JSON.stringify(mine);
  for (let attempt = 1; !(await made(path, text)); attempt++) {
    const found = await textOf(path);
    // Its holder has just released it.
    if (found === undefined && attempt < attemptsMax) continue;
    const holder = holderIn(found);
    if (attempt >= attemptsMax || holder === undefined || !isDead(holder, mine))
      throw taken(path, what, holder);
    await setAside(path, found ?? "");
  }
  return {
    async assertHeld() {
      const found = await textOf(path);
      if (found !== text) throw taken(path, what, holderIn(found));
    },
    async release() {
      if ((await textOf(path)) === text) await unlink(path).catch(() => undefined);
    },
  };
}

/** False: there is a lock file. */
async function made(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // The file was made but could not be written, so it would never have a known holder.
    if (["ENOSPC", "EDQUOT", "EFBIG"].includes(codeOf(error) ?? ""))
      await unlink(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Removes the lock of a process that has ended, and no other: another process may have taken the lock by now.
 * Moving it away first shows whose it was. If it was another holder's, it is put back; if a third process
 * took the lock in between, that holder finds out with `assertHeld`.
 */
async function setAside(path: string, dead: string): Promise<void> {
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  await rename(path, aside).catch(() => undefined);
  const moved = await textOf(aside);
  if (moved !== undefined && moved !== dead) await made(path, moved);
  await unlink(aside).catch(() => undefined);
}

function isDead(holder: Holder, mine: Holder): boolean {
  if (holder.host !== mine.host) return false;
  // Pids start again with each boot of the machine, and with each start of a container.
  if (holder.boot !== "" && mine.boot !== "" && holder.boot !== mine.boot) return true;
  if (holder.pid === mine.pid) return holder.run !== mine.run;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

function taken(path: string, what: string, holder: Holder | undefined): UserError {
  const who =
    holder === undefined
      ? "another process"
      : `process ${holder.pid} on ${holder.host}, since ${holder.since},`;
  return new UserError(`${who} is at work on ${what}`, {
    hint: `wait for it; if there is no such process any more, remove ${path}`,
  });
}

/**
 * The beginning of the file; undefined: there is none. In a folder of several users another one may have put
 * anything in its place: a link is not followed, and what is no regular file has no known holder.
 */
async function textOf(path: string): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    if (codeOf(error) === "ELOOP") return "";
    throw error;
  }
  try {
    if (!(await handle.stat()).isFile()) return "";
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function holderIn(text: string | undefined): Holder | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map(Object.entries(value));
  const texts = ["id", "run", "host", "boot", "since"].every((name) => typeof fields.get(name) === "string");
  const pid = Number(fields.get("pid"));
  // A pid of zero or below would mean a whole group of processes.
  return texts && Number.isSafeInteger(pid) && pid > 0;
}

/** Linux has an id for each boot; elsewhere the pid has to be enough. */
async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
}
