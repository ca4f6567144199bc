import { createHmac } from "node:crypto";
import { sha256 } from "./merkle.ts";

/** What is hashed for a code, for a holder and for an issuance: docs/proof.md has it byte by byte. */

export const SEED_BYTES = 32;

const LEAF = Uint8Array.of(0);
const tag = (text: string) => Buffer.from(`coupon-issuer/${text}\n`);
const CODE_SALT = tag("code-salt/1");
const KEY_SALT = tag("key-salt/1");
const CODE = tag("code/1");
const KEY = tag("key/1");
const ISSUANCE = tag("issuance/1");

/** The salt of a code, 32 bytes: nobody without the campaign's seed can compute it. */
export function codeSaltOf(seed: Uint8Array, code: string): Buffer {
  return createHmac("sha256", seed).update(CODE_SALT).update(code).digest();
}

/** The salt of a claim key, 32 bytes. */
export function keySaltOf(seed: Uint8Array, claimKey: string): Buffer {
  return createHmac("sha256", seed).update(KEY_SALT).update(claimKey).digest();
}

/** The salted hash of a code: its leaf hash in a commitment. */
export function codeHashOf(salt: Uint8Array, code: string): Buffer {
  return sha256(LEAF, CODE, salt, Buffer.from(code));
}

/** The pseudonymous key of a claim key. */
export function keyHashOf(salt: Uint8Array, claimKey: string): Buffer {
  return sha256(KEY, salt, Buffer.from(claimKey));
}

/** An issuance as a certificate has it. */
export type CertifiedIssuance = {
  readonly codeHash: Uint8Array;
  readonly keyHash: Uint8Array;
  readonly ordinal: number;
  readonly generation: number;
  readonly seq: number;
  readonly issuedAtMs: number;
};

const NUMBERS_BYTES = 24;

/** The leaf hash of an issuance in a certificate; ranks begin at 1. */
export function issuanceHashOf(rank: number, issuance: CertifiedIssuance): Buffer {
  const numbers = Buffer.alloc(NUMBERS_BYTES);
  numbers.writeUInt32BE(rank, 0);
  numbers.writeUInt32BE(issuance.ordinal, 4);
  numbers.writeUInt32BE(issuance.generation, 8);
  numbers.writeUInt32BE(issuance.seq, 12);
  numbers.writeBigUInt64BE(BigInt(issuance.issuedAtMs), 16);
  return sha256(LEAF, ISSUANCE, numbers, issuance.codeHash, issuance.keyHash);
}
