/**
 * Where request ids outlive the page. Methods may be asynchronous, and may throw: a claim goes on without
 * them.
 */
export interface KeyStorage {
  get(name: string): string | null | undefined | Promise<string | null | undefined>;
  set(name: string, value: string): void | Promise<void>;
  remove(name: string): void | Promise<void>;
  /**
   * The value that is stored, or `value`, which then is: at once for all who share the storage. undefined: no
   * other tab shares it.
   */
  getOrSet?(name: string, value: string): Promise<string>;
}

/** The value that is stored, or `value`, which then is; at once where the storage can do that. */
export async function getOrSet(storage: KeyStorage, name: string, value: string): Promise<string> {
  if (storage.getOrSet !== undefined) return storage.getOrSet(name, value);
  const stored = await storage.get(name);
  if (typeof stored === "string" && stored !== "") return stored;
  await storage.set(name, value);
  return value;
}
