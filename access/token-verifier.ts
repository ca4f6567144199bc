import { createVerifier } from "fast-jwt";
import { campaignIdClaim } from "./campaign-id-claim.ts";
import { noPrincipal, type Principal } from "./principal.ts";
import { provenUserId } from "./proven-user-id.ts";

/**
 * A token that is good until an instant on the wall clock, or what is wrong with it: until Infinity where it
 * is wrong for good, until 0 where the same token may be good in a moment.
 */
export type Verified = { readonly principal: Principal; readonly untilMs: number };
export type VerifyToken = (token: string) => Verified;

export const TOKEN_ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** What a token must be for. */
export type TokenRules = {
  readonly audience: string;
  /** undefined: any issuer. */
  readonly issuer: string | undefined;
  /** By how much the clocks of the token's maker and of this server may differ, in ms. */
  readonly skewMs: number;
};

export const WRONG_SIGNATURE = "the signature of the token is wrong";
export const MISSING_SIGNATURE = "the token has no signature";

/** The errors of the library, in our words: its own may repeat a value of the token. */
const WHY: Readonly<Record<string, string>> = {
  FAST_JWT_EXPIRED: "the token has expired",
  FAST_JWT_INACTIVE: "the token is not valid yet",
  FAST_JWT_INVALID_SIGNATURE: WRONG_SIGNATURE,
  FAST_JWT_MISSING_SIGNATURE: MISSING_SIGNATURE,
  FAST_JWT_INVALID_ALGORITHM: "the token is signed with another algorithm than its key is for",
  FAST_JWT_MISSING_REQUIRED_CLAIM: "the token must have sub, aud and exp",
  FAST_JWT_INVALID_CLAIM_VALUE: "the token is for another audience, or of another issuer",
  FAST_JWT_INVALID_CLAIM_TYPE: "a claim of the token has the wrong type",
};
const NOT_YET = "FAST_JWT_INACTIVE";
const MALFORMED = "the token is malformed";

/**
 * Verifies tokens with one key, for one algorithm: the key decides the algorithm, never the token. Takes a
 * secret (HS256) or a public key in PEM.
 */
export function createTokenVerifier(key: string, algorithm: TokenAlgorithm, rules: TokenRules): VerifyToken {
  const verify = createVerifier({
    key,
    algorithms: [algorithm],
    allowedAud: rules.audience,
    ...(rules.issuer === undefined ? {} : { allowedIss: rules.issuer }),
    requiredClaims: ["sub", "aud", "exp", ...(rules.issuer === undefined ? [] : ["iss"])],
    clockTolerance: rules.skewMs,
    cache: false,
  });
  return (token) => {
    let claims: Readonly<Record<string, unknown>>;
    try {
      claims = verify(token) as Readonly<Record<string, unknown>>;
    } catch (error) {
      const { code = "" } = error as { readonly code?: string };
      return refused(WHY[code] ?? MALFORMED, code === NOT_YET ? 0 : Number.POSITIVE_INFINITY);
    }
    const { sub, exp, campaign_id: campaign } = claims;
    const userId = typeof sub === "string" ? provenUserId(sub) : undefined;
    if (userId?.ok !== true)
      return refused("sub: must be 1 to 128 characters, with no control or invisible ones among them");
    const campaignId = campaignIdClaim(campaign);
    if (campaignId === null) return refused("campaign_id: the token's must be the id of a campaign");
    return {
      principal: { kind: "token", userId: userId.value, campaignId },
      untilMs: Number(exp) * 1_000 + rules.skewMs,
    };
  };
}

export function refused(why: string, untilMs = 0): Verified {
  return { principal: noPrincipal(why), untilMs };
}
