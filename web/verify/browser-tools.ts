import { hashes, verify } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { Tools } from "../../verifier/statement.mjs";

hashes.sha512 = sha512;

/**
 * SHA-256 and Ed25519 in a browser. WebCrypto's digest answers with a promise, which for the four hashes of
 * each coupon would take a minute for a million: so SHA-256 is that of a library. Signatures are WebCrypto's
 * where it has Ed25519.
 */
export const browserTools: Tools = { sha256, verifyEd25519 };

async function verifyEd25519(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  const [key, sign, text] = [publicKey, signature, message].map((bytes) => new Uint8Array(bytes));
  if (key === undefined || sign === undefined || text === undefined) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, sign, text);
  } catch {
    // No WebCrypto (the page is on no secure origin), or one without Ed25519.
    // As strict as others: without this it accepts points that are written in more than one way.
    return verify(sign, text, key, { zip215: false });
  }
}
