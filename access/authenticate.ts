import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { AUTHORIZATION_LENGTH_MAX, bearerOf } from "./bearer.ts";
import { type ClaimKey, createClaimKeys } from "./claim-keys.ts";
import { type ClaimTokenSettings, createClaimTokens } from "./claim-tokens.ts";
import { type Authenticate, noPrincipal, type Principal } from "./principal.ts";
import { createRefusedTokens } from "./refused-tokens.ts";
import type { Verified } from "./token-verifier.ts";
import { createVerifiedTokens } from "./verified-tokens.ts";

export type AuthenticateSettings = {
  readonly keys: readonly ClaimKey[];
  /** undefined: no token is accepted. */
  readonly tokens: ClaimTokenSettings | undefined;
};

export type Authenticator = {
  readonly authenticate: Authenticate;
  /** Reads the key set before the first caller needs it; never rejects. */
  prepare(): Promise<void>;
};

/** A token has two dots (RFC 7515, section 3.1), and a key none. */
const TOKEN = /^[^.]*\.[^.]*\.[^.]*$/;

const NO_CREDENTIAL = noPrincipal("a credential is needed: authorization: Bearer …");
const MALFORMED = noPrincipal("authorization: must be one field: Bearer, a blank, and a token or a key");
const TOO_LONG = noPrincipal(`authorization: must have ${AUTHORIZATION_LENGTH_MAX} characters at most`);
const NO_TOKENS = noPrincipal("no tokens are accepted here");
const UNDECIDED: Principal = {
  kind: "undecided",
  why: "the keys that the token must be verified with cannot be read at the moment",
};

/**
 * Finds the principal of a credential. Never refuses: what the principal may do is decided by `authorize`.
 */
export function createAuthenticate(
  { keys, tokens: settings }: AuthenticateSettings,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Authenticator {
  const verified = createVerifiedTokens();
  const refused = createRefusedTokens();
  const keyOf = createClaimKeys(keys);
  const tokens =
    settings === undefined
      ? undefined
      : createClaimTokens(settings, {
          ...{ clock, logger },
          onChange() {
            verified.clear();
            refused.clear();
          },
        });

  function kept(authorization: string, answer: Verified | "unread"): Principal {
    if (answer === "unread") return UNDECIDED;
    if (answer.principal.kind === "token") verified.keep(authorization, answer);
    else refused.keep(authorization, answer, clock.now());
    return answer.principal;
  }

  function authenticate(authorization: string | undefined): Principal | Promise<Principal> {
    if (authorization === undefined) return NO_CREDENTIAL;
    if (authorization.length > AUTHORIZATION_LENGTH_MAX) return TOO_LONG;
    const known = verified.get(authorization);
    const nowMs = clock.now();
    if (known !== undefined && nowMs < known.untilMs) {
      // Else a token of a key that was taken out of the set stays good while no other token comes.
      tokens?.keepFresh();
      return known.principal;
    }
    const none = refused.get(authorization, nowMs);
    if (none !== undefined) return none;
    const credential = bearerOf(authorization);
    if (credential === undefined) return MALFORMED;
    if (!TOKEN.test(credential)) return keyOf(credential);
    if (tokens === undefined) return NO_TOKENS;
    const answer = tokens.verify(credential);
    return answer instanceof Promise
      ? answer.then((done) => kept(authorization, done))
      : kept(authorization, answer);
  }

  return { authenticate, prepare: async () => tokens?.prepare() };
}
