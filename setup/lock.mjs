import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "../local/make-folder.mjs";
import { createOwned, isAlive, ownRecord, putAside, readOwned } from "../local/owned-file.mjs";
import { SetupError } from "./error.mjs";

const POLL_MS = 200;
const DEADLINE_MS = 20 * 60_000;

/**
 * Two set-ups at once would overwrite each other's files: the second waits for the first, then finds nothing
 * to do. The holder releases the lock with `releaseOwned`.
 *
 * @param {string} file
 * @param {{ say: (words: string) => void, advice: string }} options advice: when the file's folder cannot be
 * written to
 */
export async function takeLock(file, { say, advice }) {
  try {
    makeFolder(dirname(file));
    accessSync(dirname(file), constants.W_OK);
  } catch {
    throw new SetupError(`cannot write to ${dirname(file)}. ${advice}`);
  }
  const deadline = Date.now() + DEADLINE_MS;
  let told = false;
  while (!createOwned(file, { owner: ownRecord() })) {
    const holder = readOwned(file);
    if (holder === undefined) continue;
    if (!isAlive(holder.owner)) {
      putAside(file, holder);
      continue;
    }
    if (!told) say(`waiting for another setup (process ${holder.owner.pid})`);
    told = true;
    if (Date.now() > deadline) {
      throw new SetupError(`another setup (process ${holder.owner.pid}) does not end. End it and try again.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
