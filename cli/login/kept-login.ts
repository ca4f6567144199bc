import { existsSync } from "node:fs";
import type { Settings } from "../settings.ts";
import { loginOrigin } from "./login-settings.ts";

/**
 * The settings with the token of a login, where no other token was given. Only looks whether there is a
 * login: a damaged one is an error of the commands that need it.
 */
export function withLogin(settings: Settings, conceal: (token: string) => void): Settings {
  const { token, login, url, origins } = settings;
  if (token !== undefined || !existsSync(login.path)) return settings;
  const loaded = () => import("./fresh-token.ts").then((part) => part.freshTokenOf(login.path, url, conceal));
  let fresh: ReturnType<typeof loaded> | undefined;
  const freshToken = async () => {
    fresh ??= loaded();
    return (await fresh)();
  };
  return { ...settings, login: { ...login, freshToken }, origins: { ...origins, token: loginOrigin } };
}

/** Whether operators' calls carry a token. */
export function sendsToken({ token, login }: Settings): boolean {
  return token !== undefined || login.freshToken !== undefined;
}
