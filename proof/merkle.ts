import { hash } from "node:crypto";

/** Merkle trees of RFC 6962, section 2.1. All hashes are SHA-256, 32 bytes. */

export const HASH_BYTES = 32;
/** Leaf hashes in a chunk: a power of two, so that each full chunk is a subtree of the whole tree. */
export const CHUNK_LEAVES = 1_024;

const NODE = Uint8Array.of(1);

/** Room for what is hashed here: hashes in one piece take half the time of those that are fed in parts. */
const joined = Buffer.alloc(512);

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > joined.length) return hash("sha256", Buffer.concat(parts, length), "buffer");
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return hash("sha256", joined.subarray(0, length), "buffer");
}

/** A tree with all of its hashes: a path is read from it, not computed. */
export type MerkleTree = {
  readonly root: Buffer;
  /** The path of RFC 6962, section 2.1.1: the siblings from the leaf to the root, one after the other. */
  path(index: number): Buffer;
  /** The hash of a leaf; undefined: there are fewer. */
  leaf(index: number): Buffer | undefined;
};

/**
 * The tree over hashes, one after the other in `leaves`: of its leaves, or the roots of its full chunks. A
 * hash without a sibling goes up to the next level as it is, which is the tree of RFC 6962.
 */
export function treeOf(leaves: Buffer): MerkleTree {
  const levels = [leaves];
  for (let below = leaves; below.length > HASH_BYTES; levels.push(below)) below = levelAbove(below);
  const top = levels.at(-1) ?? leaves;
  return {
    root: top.length === 0 ? sha256() : Buffer.from(top),
    path(index) {
      const siblings = levels.map((level, height) => hashAt(level, Math.floor(index / 2 ** height) ^ 1));
      return Buffer.concat(siblings.filter((one) => one !== undefined));
    },
    leaf: (index) => hashAt(leaves, index),
  };
}

/** The root of a tree with these hashes as its leaves, or as the roots of its full chunks. */
export function rootOf(hashes: readonly Uint8Array[]): Buffer {
  return treeOf(Buffer.concat(hashes)).root;
}

function levelAbove(below: Buffer): Buffer {
  const count = below.length / HASH_BYTES;
  const above = Buffer.alloc(Math.ceil(count / 2) * HASH_BYTES);
  for (let at = 0; at < count; at += 2) {
    const pair = below.subarray(at * HASH_BYTES, (at + 2) * HASH_BYTES);
    above.set(at + 1 < count ? sha256(NODE, pair) : pair, (at / 2) * HASH_BYTES);
  }
  return above;
}

function hashAt(level: Buffer, index: number): Buffer | undefined {
  const at = index * HASH_BYTES;
  return at < level.length ? level.subarray(at, at + HASH_BYTES) : undefined;
}
