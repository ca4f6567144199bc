import { createPublicKey, type JsonWebKey } from "node:crypto";
import { z } from "zod";
import type { TokenAlgorithm } from "./token-verifier.ts";

/** A public key of a JWKS (RFC 7517), in PEM. `kid` undefined: the set does not name it. */
export type SetKey = {
  readonly kid: string | undefined;
  readonly algorithm: TokenAlgorithm;
  readonly pem: string;
};

const KEYS_MAX = 100;
const RSA_BITS_MIN = 2_048;
const KID_LENGTH_MAX = 1_000;

const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(KEYS_MAX) });

/**
 * The keys that tokens may be signed with. Passes over all others, as RFC 7517, section 5, demands: keys of
 * other kinds, for encryption, or too short.
 * @throws where the text is no JWKS
 */
export function readJwks(text: string): SetKey[] {
  const parsed = jwks.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`it is no JWKS: an object with keys, ${KEYS_MAX} at most`);
  return parsed.data.keys.flatMap((jwk) => keyOf(jwk) ?? []);
}

function keyOf(jwk: Readonly<Record<string, unknown>>): SetKey | undefined {
  const { kid, use, alg, kty, crv } = jwk;
  if (use !== undefined && use !== "sig") return undefined;
  const algorithm =
    kty === "RSA"
      ? "RS256"
      : kty === "EC" && crv === "P-256"
        ? "ES256"
        : kty === "OKP" && crv === "Ed25519"
          ? "EdDSA"
          : undefined;
  if (algorithm === undefined || (alg !== undefined && alg !== algorithm && alg !== crv)) return undefined;
  if (kid !== undefined && (typeof kid !== "string" || kid.length > KID_LENGTH_MAX)) return undefined;
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    const bits = key.asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && bits < RSA_BITS_MIN) return undefined;
    return { kid, algorithm, pem: key.export({ type: "spki", format: "pem" }).toString() };
  } catch {
    return undefined;
  }
}
