import { createHash } from "node:crypto";

/** Merkle trees of RFC 6962, section 2.1. All hashes are SHA-256, 32 bytes. */

export const HASH_BYTES = 32;
/** Leaf hashes in a chunk: a power of two, so that each full chunk is a subtree of the whole tree. */
export const CHUNK_LEAVES = 1_024;

const NODE = Uint8Array.of(1);

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The root of a tree with these hashes as its leaves, or as the roots of its full chunks. */
export function rootOf(hashes: readonly Uint8Array[]): Buffer {
  const [only] = hashes;
  if (only === undefined) return sha256();
  if (hashes.length === 1) return Buffer.from(only);
  const split = splitOf(hashes.length);
  return sha256(NODE, rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

/** The path of RFC 6962, section 2.1.1: the siblings from the leaf to the root. */
export function pathOf(hashes: readonly Uint8Array[], index: number): Buffer[] {
  if (hashes.length <= 1) return [];
  const split = splitOf(hashes.length);
  return index < split
    ? [...pathOf(hashes.slice(0, split), index), rootOf(hashes.slice(split))]
    : [...pathOf(hashes.slice(split), index - split), rootOf(hashes.slice(0, split))];
}

/** The largest power of two below a count of at least two. */
function splitOf(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}
