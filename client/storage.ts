import { getOrSet, type KeyStorage } from "./key-storage.ts";
import { requestIdDatabase } from "./request-id-database.ts";

/**
 * `session` (default): survives a reload, each tab has its own; in Node it is memory. `local`: survives the
 * browser's end, and all tabs of the origin share it, so two tabs claim with the same key. `memory`: lives as
 * long as the client.
 */
export type StorageChoice = "session" | "local" | "memory" | KeyStorage;

export function storageOf(choice: StorageChoice): KeyStorage | undefined {
  if (typeof choice === "object") return choice;
  if (choice === "memory" || typeof window === "undefined") return undefined;
  return choice === "local" ? sharedStorage() : webStorage(() => window.sessionStorage);
}

/**
 * IndexedDB, whose transactions are one after the other in all tabs. localStorage is not enough: tabs in two
 * processes of a browser may each read what the other one has just replaced, also under a lock. It serves
 * where a browser has no IndexedDB, or none that opens; there two tabs in the same instant may differ.
 */
function sharedStorage(): KeyStorage {
  const local = webStorage(() => window.localStorage);
  const database = requestIdDatabase(() => window.indexedDB);
  // Each use is told of it.
  database.catch(() => undefined);
  const either = <T>(use: (storage: KeyStorage) => T): Promise<Awaited<T>> =>
    database.then(
      (opened) => use(opened),
      () => use(local),
    ) as Promise<Awaited<T>>;
  return {
    get: (name) => either((storage) => storage.get(name)),
    set: (name, value) => either((storage) => storage.set(name, value)),
    remove: (name) => either((storage) => storage.remove(name)),
    getOrSet: (name, value) => either((storage) => getOrSet(storage, name, value)),
  };
}

/** Named at each use: a browser that forbids storage throws at the mere mention of it. */
function webStorage(storage: () => Storage): KeyStorage {
  return {
    get: (name) => storage().getItem(name),
    set: (name, value) => storage().setItem(name, value),
    remove: (name) => storage().removeItem(name),
  };
}
