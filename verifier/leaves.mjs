import { joined, utf8 } from "./bytes.mjs";
import { leafHash } from "./merkle.mjs";

/** @typedef {import("./merkle.mjs").Sha256} Sha256 */

/**
 * An issuance as a line of a certificate has it.
 *
 * @typedef {{ codeHash: Uint8Array, keyHash: Uint8Array, ordinal: number, generation: number, seq: number,
 *   issuedAtMs: number }} Entry
 */

const CODE = utf8("coupon-issuer/code/1\n");
const KEY = utf8("coupon-issuer/key/1\n");
const ISSUANCE = utf8("coupon-issuer/issuance/1\n");

/**
 * The leaf hash of a code in a commitment.
 *
 * @param {Sha256} sha256
 * @param {Uint8Array} salt 32 bytes
 * @param {string} code
 */
export const codeHashOf = (sha256, salt, code) => leafHash(sha256, CODE, salt, utf8(code.normalize("NFC")));

/**
 * The pseudonymous key.
 *
 * @param {Sha256} sha256
 * @param {Uint8Array} salt 32 bytes
 * @param {string} claimKey
 */
export const keyHashOf = (sha256, salt, claimKey) => sha256(joined(KEY, salt, utf8(claimKey)));

/**
 * The leaf hash of an issuance in a certificate.
 *
 * @param {Sha256} sha256
 * @param {number} rank from 1
 * @param {Entry} entry
 */
export function issuanceHashOf(sha256, rank, { codeHash, keyHash, ordinal, generation, seq, issuedAtMs }) {
  const numbers = new DataView(new ArrayBuffer(24));
  numbers.setUint32(0, rank);
  numbers.setUint32(4, ordinal);
  numbers.setUint32(8, generation);
  numbers.setUint32(12, seq);
  numbers.setBigUint64(16, BigInt(issuedAtMs));
  return leafHash(sha256, ISSUANCE, new Uint8Array(numbers.buffer), codeHash, keyHash);
}
