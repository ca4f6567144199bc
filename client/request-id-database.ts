import type { KeyStorage } from "./key-storage.ts";

const DATABASE = "coupon-client";
const STORE = "request-ids";
/** A database that does not open within so long, in ms, is not waited for: a claim must go on. */
const OPEN_MS = 5_000;

/** Opens the database at once. @throws where the browser has none, forbids it, or does not open it in time */
export async function requestIdDatabase(factory: () => IDBFactory): Promise<KeyStorage> {
  const database = await open(factory());

  /** One transaction; resolves once it is complete. */
  function transact<T>(
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore, told: (value: T) => void) => void,
  ) {
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      let value: T;
      transaction.oncomplete = () => resolve(value);
      transaction.onabort = () => reject(transaction.error);
      act(transaction.objectStore(STORE), (told) => {
        value = told;
      });
    });
  }

  return {
    get: (name) =>
      transact<string | undefined>("readonly", (store, told) => {
        const reading = store.get(name);
        reading.onsuccess = () => told(reading.result);
      }),
    set: (name, value) => transact<void>("readwrite", (store) => void store.put(value, name)),
    remove: (name) => transact<void>("readwrite", (store) => void store.delete(name)),
    getOrSet: (name, value) =>
      transact<string>("readwrite", (store, told) => {
        const reading = store.get(name);
        reading.onsuccess = () => {
          const stored: unknown = reading.result;
          if (typeof stored === "string" && stored !== "") return told(stored);
          store.put(value, name);
          told(value);
        };
      }),
  };
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the database does not open")), OPEN_MS);
    const opening = factory.open(DATABASE, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE);
    opening.onsuccess = () => {
      clearTimeout(timer);
      resolve(opening.result);
    };
    opening.onerror = () => {
      clearTimeout(timer);
      reject(opening.error);
    };
  });
}
