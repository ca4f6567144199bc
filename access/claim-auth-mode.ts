/**
 * How a claim is authenticated, least strict first. `open`: the caller states its user id. `key`: the caller
 * is a backend with a server-to-server key, and vouches for the user id. `token`: the caller presents a token
 * of the shop's backend, which names the user.
 */
export const CLAIM_AUTH_MODES = ["open", "key", "token"] as const;
export type ClaimAuthMode = (typeof CLAIM_AUTH_MODES)[number];

/** The stricter of two modes: a campaign's may be stricter than the deployment's, never less strict. */
export function stricter(one: ClaimAuthMode, other: ClaimAuthMode): ClaimAuthMode {
  return CLAIM_AUTH_MODES.indexOf(one) >= CLAIM_AUTH_MODES.indexOf(other) ? one : other;
}
