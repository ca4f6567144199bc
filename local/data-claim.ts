import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./make-folder.mjs";
import {
  createOwned,
  isAlive,
  isSameOwner,
  ownRecord,
  type ProcessRecord,
  putAside,
  readOwned,
  releaseOwned,
  replaceOwned,
} from "./owned-file.mjs";
import { until } from "./poll.ts";
import { startTimeOf } from "./process-identity.mjs";
import { LocalStackError, type Store, type StoreKind } from "./store.ts";
import { unusableFolder } from "./unusable-folder.ts";

const FILE = "stack.json";
const MAX_TRIES = 20;
const STARTING_DEADLINE_MS = 60_000;
/** How long the watchdog of an ended owner has to end its stores, before this process ends them. */
const LEFTOVER_DEADLINE_MS = 2_000;

export interface StoreRecord {
  readonly url: string;
  readonly process?: ProcessRecord;
  /** Of a group of processes. */
  readonly processes?: readonly ProcessRecord[];
  readonly dir?: string;
  readonly logFile?: string;
}

interface ClaimRecord {
  readonly owner: ProcessRecord;
  /** Absent until all stores answer. */
  readonly stores?: Readonly<Record<StoreKind, StoreRecord>>;
}

/** Either this process may start stores on the folder, or these stores of another process run on it. */
export type Claim =
  | {
      readonly ours: true;
      publish(stores: Readonly<Record<StoreKind, Store>>): void;
      release(): void;
    }
  | {
      readonly ours: false;
      readonly ownerPid: number;
      readonly stores: Readonly<Record<StoreKind, StoreRecord>>;
      isOwnerAlive(): boolean;
    };

/** @throws UserError where the folder cannot be made, or nothing can be written in it */
function makeDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir, 0o700);
    // A trial write, not a look at the mode: a file system may be full or read-only, whatever the mode is.
    const trial = join(dataDir, `.write-${process.pid}-${randomUUID()}`);
    writeFileSync(trial, "trial");
    rmSync(trial);
  } catch (error) {
    throw unusableFolder("LOCAL_DATA_DIR", dataDir, error);
  }
}

/**
 * One stack for each data folder: the process that creates `stack.json` has it. When the recorded owner has
 * ended, its stores that still run are ended, and then its record is put aside.
 */
export async function claimDataDir(dataDir: string): Promise<Claim> {
  makeDataDir(dataDir);
  const file = join(dataDir, FILE);
  const owner = ownRecord();
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    if (createOwned(file, { owner })) return ourClaim(file, owner);
    const found = claimIn(file);
    if (found === undefined) continue; // released between the two calls
    if (isAlive(found.owner)) {
      const stores = found.stores ?? (await storesOnceStarted(file, found.owner));
      if (stores !== undefined) return othersClaim(file, found.owner, stores);
      continue;
    }
    await endLeftovers(found);
    putAside(file, found);
  }
  throw new LocalStackError(
    `Could not claim the data folder ${dataDir}: others come and go on it. Try again.`,
  );
}

function ourClaim(file: string, owner: ProcessRecord): Claim {
  return {
    ours: true,
    publish(stores) {
      const records = { redis: recordOf(stores.redis), mongodb: recordOf(stores.mongodb) };
      const record: ClaimRecord = { owner, stores: records };
      replaceOwned(file, record);
    },
    release: () => releaseOwned(file),
  };
}

function othersClaim(
  file: string,
  owner: ProcessRecord,
  stores: Readonly<Record<StoreKind, StoreRecord>>,
): Claim {
  return {
    ours: false,
    ownerPid: owner.pid,
    isOwnerAlive: () => isAlive(owner) && isSameOwner(claimIn(file)?.owner, owner),
    stores,
  };
}

function recordOf(store: Store): StoreRecord {
  const recordsOf = (pids: readonly number[]) =>
    pids.flatMap((pid) => {
      const startTime = startTimeOf(pid);
      return startTime === undefined ? [] : [{ pid, startTime }];
    });
  const [process] = store.owned && store.pid !== undefined ? recordsOf([store.pid]) : [];
  return {
    url: store.url,
    ...(process === undefined ? {} : { process }),
    ...(store.pids === undefined ? {} : { processes: recordsOf(store.pids) }),
    ...(store.dir === undefined ? {} : { dir: store.dir }),
    ...(store.logFile === undefined ? {} : { logFile: store.logFile }),
  };
}

/** undefined: the owner has ended, or has released the folder, before all its stores were up. */
async function storesOnceStarted(file: string, owner: ProcessRecord): Promise<ClaimRecord["stores"]> {
  let stores: ClaimRecord["stores"];
  const settled = await until(() => {
    const now = claimIn(file);
    stores = isSameOwner(now?.owner, owner) ? now?.stores : undefined;
    return stores !== undefined || !isSameOwner(now?.owner, owner) || !isAlive(owner);
  }, STARTING_DEADLINE_MS);
  if (!settled) {
    throw new LocalStackError(
      `Process ${owner.pid} has been starting stores on ${file} for too long. End it.`,
    );
  }
  return stores;
}

async function endLeftovers(record: ClaimRecord): Promise<void> {
  const left = Object.values(record.stores ?? {}).flatMap(({ process: one, processes = [] }) =>
    one === undefined ? processes : [one, ...processes],
  );
  const allGone = () => !left.some(isAlive);
  if (await until(allGone, LEFTOVER_DEADLINE_MS)) return;
  for (const one of left.filter(isAlive)) {
    try {
      process.kill(one.pid, "SIGKILL");
    } catch {
      // it has just ended, or belongs to another user: the next check finds out
    }
  }
  if (!(await until(allGone, LEFTOVER_DEADLINE_MS))) {
    throw new LocalStackError(
      `Stores that an earlier run left behind do not end: ${left.map((one) => one.pid)}`,
    );
  }
}

function claimIn(file: string): ClaimRecord | undefined {
  return readOwned(file) as ClaimRecord | undefined;
}
