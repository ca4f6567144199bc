import { settingOf } from "../../runtime/setting.ts";
import type { ProfileLogin } from "../config-schema.ts";
import type { FreshToken } from "./fresh-token.ts";
import { loginPath } from "./login-file.ts";

/** What is known about the login to the service in effect, besides what flags say. */
export interface LoginSettings {
  /** The file of the login, which may not be there. */
  readonly path: string;
  /** What the environment and the profile say about the identity provider. */
  readonly asked: ProfileLogin;
  /** undefined: there is no login, or another token takes precedence. */
  readonly freshToken: FreshToken | undefined;
}

/** The origin of a token that coupon login got, in the operator's words. */
export const loginOrigin = "coupon login";

export function readLoginSettings(
  env: NodeJS.ProcessEnv,
  service: string,
  profile: ProfileLogin = {},
): LoginSettings {
  const given: Record<keyof ProfileLogin, string | undefined> = {
    issuer: settingOf(env, "COUPON_OIDC_ISSUER"),
    clientId: settingOf(env, "COUPON_OIDC_CLIENT_ID"),
    scope: settingOf(env, "COUPON_OIDC_SCOPE"),
    audience: settingOf(env, "COUPON_OIDC_AUDIENCE"),
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    path: loginPath(env, service),
    asked: { ...profile, ...Object.fromEntries(set) },
    freshToken: undefined,
  };
}
