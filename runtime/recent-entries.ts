/** Values by key, in bounded memory: those that were used or kept last. */
export type RecentEntries<V> = {
  get(key: string): V | undefined;
  keep(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
};

/**
 * Keeps between `halfMax` and twice as many entries, in two halves: once the younger one is full, the older
 * one is dropped, and each entry that is used moves to the younger. Removing the first key of one large Map
 * instead costs more with each removal: V8 walks over the places of all that were removed before.
 */
export function createRecentEntries<V>(halfMax: number): RecentEntries<V> {
  let young = new Map<string, V>();
  let old = new Map<string, V>();

  function keep(key: string, value: V): void {
    if (young.size >= halfMax && !young.has(key)) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    get(key) {
      const recent = young.get(key);
      if (recent !== undefined) return recent;
      const older = old.get(key);
      if (older !== undefined) keep(key, older);
      return older;
    },
    keep,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
