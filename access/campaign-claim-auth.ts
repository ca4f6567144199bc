import { invalid, type Valid, valid } from "../campaign/valid.ts";
import { type ClaimAuthMode, stricter } from "./claim-auth-mode.ts";

/** What a deployment demands of claims, and what it can verify. */
export type DeploymentClaimAuth = {
  readonly mode: ClaimAuthMode;
  readonly acceptsKeys: boolean;
  readonly acceptsTokens: boolean;
};

/**
 * How the claims of a new campaign are authenticated, where `asked` is what its request says. Recorded with
 * the campaign, so that a deployment that demands less later opens no campaign.
 */
export function campaignClaimAuth(
  { mode, acceptsKeys, acceptsTokens }: DeploymentClaimAuth,
  asked: ClaimAuthMode | undefined,
): Valid<ClaimAuthMode> {
  if (asked === undefined) return valid(mode);
  if (stricter(mode, asked) !== asked)
    return invalid("claim_auth", `must be at least as strict as the deployment's CLAIM_AUTH, ${mode}`);
  if (asked === "token" && !acceptsTokens)
    return invalid("claim_auth", "token needs CLAIM_TOKEN_SECRET or CLAIM_TOKEN_JWKS in the deployment");
  if (asked === "key" && !acceptsKeys && !acceptsTokens)
    return invalid("claim_auth", "key needs CLAIM_KEYS in the deployment");
  return valid(asked);
}
