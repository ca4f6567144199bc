import type { Verified } from "./token-verifier.ts";

/** Good tokens by the text of their `authorization`, in bounded memory. */
export type VerifiedTokens = {
  get(authorization: string): Verified | undefined;
  keep(authorization: string, verified: Verified): void;
  clear(): void;
};

/** Users ask again and again around the opening: that many of them, twice, are answered from memory. */
export const GENERATION_MAX = 10_000;

/**
 * Two generations: once the younger one is full, the older one is dropped, and each token that is used moves
 * to the younger. Removing the first key of one large Map instead costs more with each removal: V8 walks over
 * the places of all that were removed before.
 */
export function createVerifiedTokens(): VerifiedTokens {
  let young = new Map<string, Verified>();
  let old = new Map<string, Verified>();

  function keep(authorization: string, verified: Verified): void {
    if (young.size >= GENERATION_MAX) {
      old = young;
      young = new Map();
    }
    young.set(authorization, verified);
  }

  return {
    get(authorization) {
      const known = young.get(authorization);
      if (known !== undefined) return known;
      const older = old.get(authorization);
      if (older !== undefined) keep(authorization, older);
      return older;
    },
    keep,
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
