import { localKeyFile, readLocalKey } from "../runtime/local-key-file.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { sendsToken } from "./login/kept-login.ts";
import type { Settings } from "./settings.ts";

/** The key that a service on this machine made for the operators who are the same user. */
export interface LocalKey {
  readonly token: string | undefined;
  readonly origin: string;
  readonly warning?: string;
}

const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Looks for the file of the URL's port. undefined: there is none, or the URL leaves this machine, where the
 * key must never go.
 */
export function localKeyFor(url: string, env: NodeJS.ProcessEnv): LocalKey | undefined {
  const { protocol, hostname, port } = new URL(url);
  if (!isLoopback(hostname)) return undefined;
  const file = localKeyFile(env, Number(port || PORTS[protocol]));
  if (file === undefined) return undefined;
  const look = readLocalKey(file);
  switch (look.kind) {
    case "key":
      return { token: look.key, origin: file };
    case "absent":
      return undefined;
    case "wrong":
      return {
        token: undefined,
        origin: "default",
        warning: `the service's key in ${file} is not used: ${look.why}; restart the service that wrote it, or give --token`,
      };
    default:
      return look satisfies never;
  }
}

/** The settings with that key, where nothing else proves the operator. */
export function withLocalKey(settings: Settings, env: NodeJS.ProcessEnv): Settings {
  const { url, origins, warnings } = settings;
  const local = sendsToken(settings) ? undefined : localKeyFor(url, env);
  if (local === undefined) return settings;
  const more = local.warning === undefined ? [] : [local.warning];
  const origin = local.token === undefined ? origins.token : local.origin;
  return {
    ...settings,
    token: local.token,
    origins: { ...origins, token: origin },
    warnings: [...warnings, ...more],
  };
}
