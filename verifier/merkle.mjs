import { isEqual, joined } from "./bytes.mjs";

/** Merkle trees of RFC 6962, section 2.1, over leaf hashes that are given. */

/** @typedef {(bytes: Uint8Array) => Uint8Array} Sha256 */

const NODE = Uint8Array.of(1);

/**
 * The hash of a leaf: SHA-256 of a zero byte and the leaf.
 *
 * @param {Sha256} sha256
 * @param {readonly Uint8Array[]} parts of the leaf
 */
export function leafHash(sha256, ...parts) {
  return sha256(joined(Uint8Array.of(0), ...parts));
}

/**
 * Takes leaf hashes one by one and keeps the roots of the full subtrees alone.
 *
 * @param {Sha256} sha256
 */
export function createTree(sha256) {
  /** @type {{ hash: Uint8Array, size: number }[]} */
  const subtrees = [];
  return {
    /** @param {Uint8Array} hash of a leaf */
    add(hash) {
      let added = { hash, size: 1 };
      for (let last = subtrees.at(-1); last?.size === added.size; last = subtrees.at(-1)) {
        subtrees.pop();
        added = { hash: sha256(joined(NODE, last.hash, added.hash)), size: 2 * added.size };
      }
      subtrees.push(added);
    },
    root() {
      const last = subtrees.at(-1);
      if (last === undefined) return sha256(new Uint8Array(0));
      return subtrees
        .slice(0, -1)
        .reduceRight((right, left) => sha256(joined(NODE, left.hash, right)), last.hash);
    },
  };
}

/**
 * Whether a path (RFC 6962, section 2.1.1: the sibling next to the leaf first) leads from a leaf to the root.
 * The algorithm is that of RFC 9162, section 2.1.3.2.
 *
 * @param {Sha256} sha256
 * @param {{ leaf: Uint8Array, index: number, size: number, path: readonly Uint8Array[],
 *   root: Uint8Array }} proof
 */
export function leadsToRoot(sha256, { leaf, index, size, path, root }) {
  if (!Number.isInteger(index) || index < 0 || index >= size) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = sha256(joined(NODE, sibling, hash));
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = sha256(joined(NODE, hash, sibling));
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && isEqual(hash, root);
}
