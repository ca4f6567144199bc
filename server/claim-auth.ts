import { createAuthenticate } from "../access/authenticate.ts";
import { type ClaimAuth, createClaimAuth } from "../access/claim-auth.ts";
import type { ClaimTokenSettings } from "../access/claim-tokens.ts";
import type { Config } from "../runtime/config.ts";
import type { SharedParts } from "./shared-parts.ts";

/** The authentication of claims that the settings ask for; its key set, if any, has been asked for. */
export async function createClaimAuthOf(
  config: Config,
  { clock, logger, metrics }: Pick<SharedParts, "clock" | "logger" | "metrics">,
): Promise<ClaimAuth> {
  const [keys, tokens] = [config.CLAIM_KEYS ?? [], tokensOf(config)];
  const { authenticate, prepare } = createAuthenticate(
    { keys, tokens },
    { clock, logger: logger.child({ component: "access" }) },
  );
  await prepare();
  return createClaimAuth(
    { mode: config.CLAIM_AUTH, acceptsKeys: keys.length > 0, acceptsTokens: tokens !== undefined },
    authenticate,
    (reason) => metrics.claimCredentialsRefused.inc({ reason: reason.toLowerCase() }),
  );
}

/** undefined: tokens are not accepted. */
function tokensOf(config: Config): ClaimTokenSettings | undefined {
  const { CLAIM_TOKEN_SECRET: secrets = [], CLAIM_TOKEN_JWKS: jwks, CLAIM_TOKEN_AUDIENCE: audience } = config;
  if (audience === undefined || (secrets.length === 0 && jwks === undefined)) return undefined;
  return { secrets, jwks, audience, issuer: config.CLAIM_TOKEN_ISSUER, skewMs: config.CLAIM_TOKEN_SKEW_MS };
}
