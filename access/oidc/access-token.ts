import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Clock } from "../../runtime/clock.ts";
import { KeysUnread } from "./issuer-keys.ts";

/** What a token must be for. */
export type AccessTokenRules = {
  readonly issuer: string;
  readonly audience: string;
  /** By how much the clocks of the provider and of this server may differ, in ms. */
  readonly skewMs: number;
};

export type AccessToken =
  | { readonly kind: "good"; readonly claims: JWTPayload }
  | { readonly kind: "wrong" | "unread"; readonly why: string };

/** Of public keys alone: a secret of ours is nothing that a provider signs with. */
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];
/** RFC 9068, section 2.1, and what providers write that are older than it. */
const TYPES = ["at+jwt", "application/at+jwt", "jwt", undefined];
/** What an ID token has and no access token: it tells a client who has logged in, and grants nothing. */
const MARKS_OF_ID_TOKENS = ["nonce", "at_hash", "c_hash", "s_hash"];

const ID_TOKEN = "the token is an ID token: an access token is needed";
const UNREAD = "the keys of the issuer of access tokens cannot be read at the moment";

/** The errors of the library, in our words: its own may repeat a value of the token. */
const WHY: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: "the access token has expired",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "the signature of the access token is wrong",
  ERR_JOSE_ALG_NOT_ALLOWED: `the access token must be signed with ${ALGORITHMS.join(", ")}`,
  ERR_JWKS_NO_MATCHING_KEY: "the key that signed the access token is not among those of the issuer",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "the access token must name the key that signed it (kid)",
};
const WHY_OF_CLAIM: Readonly<Record<string, string>> = {
  iss: "the access token is of another issuer",
  aud: "the access token is for another audience",
  nbf: "the access token is not valid yet",
  exp: "the access token must have exp",
  sub: "the access token must have sub",
};
const MALFORMED = "the credential is no key that is known here and no access token (JWT) of the issuer";

/** Verifies access tokens (RFC 9068). Never rejects. */
export function createVerifyAccessToken(
  { issuer, audience, skewMs }: AccessTokenRules,
  keyOf: JWTVerifyGetKey,
  clock: Pick<Clock, "now">,
): (token: string) => Promise<AccessToken> {
  return async (token) => {
    try {
      const { payload: claims, protectedHeader } = await jwtVerify(token, keyOf, {
        ...{ issuer, audience, algorithms: ALGORITHMS, requiredClaims: ["sub", "exp"] },
        clockTolerance: skewMs / 1_000,
        currentDate: new Date(clock.now()),
      });
      const why = purposeTrouble(protectedHeader.typ, claims);
      return why === undefined ? { kind: "good", claims } : { kind: "wrong", why };
    } catch (error) {
      if (error instanceof KeysUnread) return { kind: "unread", why: UNREAD };
      return { kind: "wrong", why: wordsOf(error) };
    }
  };
}

/** Why a token with a good signature is none for this use; undefined: it is one. */
function purposeTrouble(typ: string | undefined, claims: JWTPayload): string | undefined {
  const type = typ?.toLowerCase();
  if (!TYPES.includes(type)) return "typ: the token is no access token (at+jwt)";
  if (type === "jwt" || type === undefined) {
    // Keycloak tells the two apart by a claim, and its access tokens may have a nonce, too.
    const isMarked = MARKS_OF_ID_TOKENS.some((mark) => mark in claims);
    if (claims["typ"] === "ID" || (isMarked && claims["typ"] !== "Bearer")) return ID_TOKEN;
  }
  if ("cnf" in claims) return "cnf: tokens that are bound to a key (DPoP, mutual TLS) are not supported";
  return undefined;
}

function wordsOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed) return WHY_OF_CLAIM[error.claim] ?? MALFORMED;
  const { code = "" } = error as { readonly code?: string };
  return WHY[code] ?? MALFORMED;
}
