import type { CertifiedIssuance } from "./leaves.ts";

const text64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

/** The line of an issuance in a certificate; its rank is its place among them. */
export function issuanceLine(issuance: CertifiedIssuance): string {
  const { ordinal, generation, seq, issuedAtMs } = issuance;
  const hashes = `"${text64(issuance.codeHash)}","${text64(issuance.keyHash)}"`;
  return `[${hashes},${ordinal},${generation},${seq},${issuedAtMs}]`;
}

/** The line of a code that was committed to and not issued. */
export function leftLine(codeHash: Uint8Array, ordinal: number): string {
  return `["${text64(codeHash)}",${ordinal}]`;
}
