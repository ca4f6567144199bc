import { createHash, timingSafeEqual } from "node:crypto";

/** The SHA-256 of a key in hex, and the value that its holder is found by. */
export type HashedKey<T> = { readonly sha256: string; readonly holder: T };

/**
 * Finds the holder of a presented key. Compares digests, each with every key, so that the time tells nothing
 * about the keys.
 */
export function createHashedKeys<T>(keys: readonly HashedKey<T>[]): (presented: string) => T | undefined {
  const known = keys.map(({ sha256, holder }) => ({ digest: Buffer.from(sha256, "hex"), holder }));
  return (presented) => {
    const digest = createHash("sha256").update(presented).digest();
    let found: T | undefined;
    for (const key of known) if (timingSafeEqual(digest, key.digest)) found = key.holder;
    return found;
  };
}
