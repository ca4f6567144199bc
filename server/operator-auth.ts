import { createOperatorTokens, type OperatorTokenSettings } from "../access/oidc/operator-tokens.ts";
import { type AuthenticateOperator, createAuthenticateOperator } from "../access/operators.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { OPERATOR_ROLES } from "../runtime/operator-settings.ts";
import type { SharedParts } from "./shared-parts.ts";

/** The authentication of operators that the settings ask for. */
export function createOperatorAuthOf(
  config: Config & { readonly localKeySha256: string | undefined },
  { clock, logger }: Pick<SharedParts, "clock" | "logger">,
  lifecycle: Pick<Lifecycle, "onRelease">,
): AuthenticateOperator {
  const settings = tokenSettingsOf(config);
  const tokens =
    settings === undefined
      ? undefined
      : createOperatorTokens(settings, { clock, logger: logger.child({ component: "access" }) });
  if (tokens !== undefined) lifecycle.onRelease("keys of the operators' issuer", async () => tokens.stop());
  return createAuthenticateOperator({
    token: config.OPERATOR_TOKEN,
    keys: config.OPERATOR_KEYS,
    verifyToken: tokens?.verify,
    localKeySha256: config.localKeySha256,
  });
}

/** undefined: no access tokens are accepted. */
function tokenSettingsOf(config: Config): OperatorTokenSettings | undefined {
  const { OPERATOR_OIDC_ISSUER: issuer, OPERATOR_OIDC_AUDIENCE: audience } = config;
  if (issuer === undefined || audience === undefined) return undefined;
  const named = OPERATOR_ROLES.map((role) => ({ theirs: role, role }));
  return {
    ...{ issuer, audience, skewMs: config.OPERATOR_OIDC_SKEW_MS },
    roleClaim: config.OPERATOR_OIDC_ROLE_CLAIM,
    roles: new Map((config.OPERATOR_OIDC_ROLES ?? named).map(({ theirs, role }) => [theirs, role])),
    nameClaim: config.OPERATOR_OIDC_NAME_CLAIM,
  };
}
