import { randomUUID } from "node:crypto";
import { readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { codeOf } from "./file-trouble.ts";
import { UserError } from "./user-error.ts";

/** A file that says who works here. */
export interface FileLock {
  /** @throws UserError where somebody else took it meanwhile, or removed it. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

interface Holder {
  readonly id: string;
  /** Which run of the program: numbers of processes are given again. */
  readonly run: string;
  readonly host: string;
  /** Which start of the machine, where it tells; "": it does not. */
  readonly boot: string;
  readonly pid: number;
  readonly since: string;
}

const run = randomUUID();

/** Others may come in between a look and a deed; who loses that often is told that it is taken. */
const attemptsMax = 5;

/**
 * Takes the lock, from a process of this machine that died too. `what` names what is locked. @throws
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
    // It was released just now.
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

/** False: there is one. */
async function made(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // It was made and could not be filled; nobody could ever tell whose it is.
    if (["ENOSPC", "EDQUOT", "EFBIG"].includes(codeOf(error) ?? ""))
      await unlink(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Removes a dead process' lock, and no other: of several that saw it dead one may have taken it by now.
 * Moving it away first shows which it was; who lost its lock for that moment finds out with `assertHeld`,
 * should a third have come in.
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
  // Numbers of processes begin anew with the machine, and in a container at once.
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

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
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
  // Zero and below would ask for whole groups of processes.
  return texts && Number.isSafeInteger(pid) && pid > 0;
}

/** Linux numbers its starts; elsewhere the process number has to do. */
async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
}
