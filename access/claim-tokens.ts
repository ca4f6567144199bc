import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { jwksSource } from "./jwks-source.ts";
import { createKeySet, type KeyLook } from "./key-set.ts";
import { isSpeltOneWay } from "./one-spelling.ts";
import { createSecretSignature } from "./secret-signature.ts";
import { createTokenHeads } from "./token-head.ts";
import {
  createTokenVerifier,
  MISSING_SIGNATURE,
  refused,
  TOKEN_ALGORITHMS,
  type TokenRules,
  type Verified,
  WRONG_SIGNATURE,
} from "./token-verifier.ts";

export type ClaimTokenSettings = TokenRules & {
  /** Of HS256; several while one replaces another. */
  readonly secrets: readonly string[];
  /** A path or a URL; undefined: no token with a public key is accepted. */
  readonly jwks: string | undefined;
};

export type ClaimTokens = {
  verify(token: string): Verified | "unread" | Promise<Verified | "unread">;
  /** Begins to read the key set again if its last read is old. Does not wait. */
  keepFresh(): void;
  prepare(): Promise<void>;
};

export type ClaimTokenDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when tokens that were verified before may be good no more. */
  readonly onChange: () => void;
};

const NO_SIGNATURE = refused(MISSING_SIGNATURE);
const FORGED = refused(WRONG_SIGNATURE);
/** For so long after a refused token, the signature of each is checked before the library gets it. */
const REFUSED_LATELY_MS = 1_000;

/** Verifies the tokens of users with the configured secrets and key set. */
export function createClaimTokens(settings: ClaimTokenSettings, deps: ClaimTokenDeps): ClaimTokens {
  const { secrets, jwks } = settings;
  const heads = createTokenHeads();
  const bySecret = secrets.map((secret) => ({
    isSigned: createSecretSignature(secret),
    verify: createTokenVerifier(secret, "HS256", settings),
  }));
  const keySet =
    jwks === undefined
      ? undefined
      : createKeySet({
          ...deps,
          read: jwksSource(jwks),
          verifierOf: (pem, algorithm) => createTokenVerifier(pem, algorithm, settings),
        });
  const accepted = TOKEN_ALGORITHMS.filter((name) =>
    name === "HS256" ? bySecret.length > 0 : keySet !== undefined,
  );
  const otherAlgorithm = refused(`the token must be signed with ${accepted.join(", ")}`);

  let checksFirstUntilMs = Number.NEGATIVE_INFINITY;

  /**
   * With the secret that signed it. A crowd can make forged tokens without end, and the library's error costs
   * ten times the HMAC: while tokens are being refused, nothing of a forged one is decoded, and the library
   * gets none. At all other times a good token costs one HMAC, that of the library.
   */
  function verifyBySecret(token: string): Verified {
    if (token.endsWith(".")) return NO_SIGNATURE;
    const nowMs = deps.clock.elapsed();
    const checksFirst = nowMs < checksFirstUntilMs;
    for (const { isSigned, verify } of bySecret) {
      if (checksFirst && !isSigned(token)) continue;
      const verified = verify(token);
      if (verified.principal.kind === "token") return verified;
      checksFirstUntilMs = nowMs + REFUSED_LATELY_MS;
      if (isSigned(token)) return verified;
    }
    return FORGED;
  }

  return {
    verify(token) {
      const head = heads(token);
      if (head === undefined) return refused("the token is malformed");
      const algorithm = accepted.find((name) => name === head.alg);
      if (algorithm === undefined) return otherAlgorithm;
      if (!isSpeltOneWay(token)) return FORGED;
      if (algorithm === "HS256" || keySet === undefined) return verifyBySecret(token);
      const look = keySet.find(head.kid, algorithm);
      return look instanceof Promise
        ? look.then((found) => verifyWith(found, token))
        : verifyWith(look, token);
    },
    keepFresh: () => keySet?.keepFresh(),
    prepare: async () => keySet?.prepare(),
  };
}

function verifyWith(look: KeyLook, token: string): Verified | "unread" {
  if (look === "unread") return look;
  if (look === "unknown") return refused("the key that signed the token is not known here");
  return look(token);
}
