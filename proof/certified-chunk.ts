import { type CertifiedIssuance, issuanceHashOf } from "./leaves.ts";
import { CHUNK_LEAVES, HASH_BYTES } from "./merkle.ts";

/** Issuances of consecutive ranks in as few bytes as they need; how they are stored, not what is hashed. */

const ENTRY_BYTES = 2 * HASH_BYTES + 3 * 4 + 8;

export function packIssuances(issuances: readonly CertifiedIssuance[]): Buffer {
  const bytes = Buffer.alloc(issuances.length * ENTRY_BYTES);
  for (const [index, { codeHash, keyHash, ordinal, generation, seq, issuedAtMs }] of issuances.entries()) {
    let at = index * ENTRY_BYTES;
    bytes.set(codeHash, at);
    bytes.set(keyHash, at + HASH_BYTES);
    at += 2 * HASH_BYTES;
    for (const number of [ordinal, generation, seq]) at = bytes.writeUInt32BE(number, at);
    bytes.writeBigUInt64BE(BigInt(issuedAtMs), at);
  }
  return bytes;
}

export function unpackIssuances(bytes: Buffer): CertifiedIssuance[] {
  return Array.from({ length: bytes.length / ENTRY_BYTES }, (_, index) => issuanceAt(bytes, index));
}

function issuanceAt(bytes: Buffer, index: number): CertifiedIssuance {
  const at = index * ENTRY_BYTES;
  const numbers = at + 2 * HASH_BYTES;
  return {
    codeHash: bytes.subarray(at, at + HASH_BYTES),
    keyHash: bytes.subarray(at + HASH_BYTES, numbers),
    ordinal: bytes.readUInt32BE(numbers),
    generation: bytes.readUInt32BE(numbers + 4),
    seq: bytes.readUInt32BE(numbers + 8),
    issuedAtMs: Number(bytes.readBigUInt64BE(numbers + 12)),
  };
}

/** The issuance at a place of the issue order, and its index in the chunk. */
export function findIssuance(
  bytes: Buffer,
  place: { readonly generation: number; readonly seq: number },
): { readonly index: number; readonly issuance: CertifiedIssuance } | undefined {
  for (let index = 0; index < bytes.length / ENTRY_BYTES; index++) {
    const numbers = index * ENTRY_BYTES + 2 * HASH_BYTES;
    if (bytes.readUInt32BE(numbers + 8) === place.seq && bytes.readUInt32BE(numbers + 4) === place.generation)
      return { index, issuance: issuanceAt(bytes, index) };
  }
  return undefined;
}

/** The leaf hashes of a chunk; chunks are numbered from 0. */
export function issuanceHashes(chunk: number, issuances: readonly CertifiedIssuance[]): Buffer[] {
  const before = chunk * CHUNK_LEAVES;
  return issuances.map((issuance, index) => issuanceHashOf(before + index + 1, issuance));
}
