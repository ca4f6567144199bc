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
  return Array.from({ length: bytes.length / ENTRY_BYTES }, (_, index) => {
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
  });
}

/** The leaf hashes of a chunk; chunks are numbered from 0. */
export function issuanceHashes(chunk: number, issuances: readonly CertifiedIssuance[]): Buffer[] {
  const before = chunk * CHUNK_LEAVES;
  return issuances.map((issuance, index) => issuanceHashOf(before + index + 1, issuance));
}
