import { createHashedKeys } from "./hashed-keys.ts";
import { noPrincipal, type Principal } from "./principal.ts";

/** A key as it is configured: its name, and the SHA-256 of it in hex. */
export type ClaimKey = { readonly name: string; readonly sha256: string };

/** A key that a person could remember can be guessed from its hash. */
export const KEY_LENGTH_MIN = 32;

/** Finds the server-to-server key that a caller presents. */
export function createClaimKeys(keys: readonly ClaimKey[]): (presented: string) => Principal {
  const nameOf = createHashedKeys(keys.map(({ name, sha256 }) => ({ sha256, holder: name })));
  return (presented) => {
    if (presented.length < KEY_LENGTH_MIN) return noPrincipal("the credential is no key and no token");
    const name = nameOf(presented);
    return name === undefined ? noPrincipal("the key is not known here") : { kind: "key", name };
  };
}
