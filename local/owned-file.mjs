import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isSameProcess, startTimeOf } from "./process-identity.mjs";

/**
 * A file that at most one running process holds: the process that creates it. The file names its owner, so
 * that another process can find out whether the owner still runs.
 *
 * @typedef {{ pid: number, startTime: string }} ProcessRecord
 */

/** @returns {ProcessRecord} */
export function ownRecord() {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" };
}

/** @param {ProcessRecord} record */
export function isAlive(record) {
  return isSameProcess(record.pid, record.startTime);
}

/**
 * @param {ProcessRecord | undefined} one
 * @param {ProcessRecord} other
 */
export function isSameOwner(one, other) {
  return one?.pid === other.pid && one.startTime === other.startTime;
}

/**
 * Creates the file with all of its content or not at all; false when it exists.
 *
 * @param {string} file
 * @param {{ owner: ProcessRecord }} record
 */
export function createOwned(file, record) {
  const temporary = `${file}.${process.pid}-${Math.random().toString(36).slice(2)}`;
  // The URL of a store that was given may hold a password: only the file's owner may read it.
  writeFileSync(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Replaces the content of a file that this process holds.
 *
 * @param {string} file
 * @param {{ owner: ProcessRecord }} record
 */
export function replaceOwned(file, record) {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  renameSync(temporary, file);
}

/**
 * undefined: there is no such file, or it cannot be read. A file that cannot be parsed has no owner (pid 0),
 * so it is stale.
 *
 * @param {string} file
 * @returns {{ owner: ProcessRecord, [key: string]: unknown } | undefined}
 */
export function readOwned(file) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const nobody = { owner: { pid: 0, startTime: "" } };
  try {
    const record = JSON.parse(text);
    return typeof record?.owner?.pid === "number" ? record : nobody;
  } catch {
    return nobody;
  }
}

/**
 * Moves a stale file away; puts it back if another process has renewed it in the meantime.
 *
 * @param {string} file
 * @param {{ owner: ProcessRecord }} stale
 */
export function putAside(file, stale) {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
    if (!isSameOwner(readOwned(aside)?.owner, stale.owner)) linkSync(aside, file);
  } catch {
    // another process was first
  }
  rmSync(aside, { force: true });
}

/**
 * Removes the file if this process holds it.
 *
 * @param {string} file
 */
export function releaseOwned(file) {
  if (isSameOwner(readOwned(file)?.owner, ownRecord())) rmSync(file, { force: true });
}
