import { createHash, timingSafeEqual } from "node:crypto";
import { noPrincipal, type Principal } from "./principal.ts";

/** A key as it is configured: its name, and the SHA-256 of it in hex. */
export type ClaimKey = { readonly name: string; readonly sha256: string };

/** A key that a person could remember can be guessed from its hash. */
export const KEY_LENGTH_MIN = 32;

/**
 * Finds the server-to-server key that a caller presents. Compares digests, each with every key, so that the
 * time tells nothing about the keys.
 */
export function createClaimKeys(keys: readonly ClaimKey[]): (presented: string) => Principal {
  const known = keys.map(({ name, sha256 }) => ({ name, digest: Buffer.from(sha256, "hex") }));
  return (presented) => {
    if (presented.length < KEY_LENGTH_MIN) return noPrincipal("the credential is no key and no token");
    const digest = createHash("sha256").update(presented).digest();
    let found: string | undefined;
    for (const key of known) if (timingSafeEqual(digest, key.digest)) found = key.name;
    return found === undefined ? noPrincipal("the key is not known here") : { kind: "key", name: found };
  };
}
