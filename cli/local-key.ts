import { isIP, isIPv6 } from "node:net";
import { localKeyFile, readLocalKey } from "../runtime/local-key-file.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { sendsToken } from "./login/kept-login.ts";
import type { Settings } from "./settings.ts";

/** The key that a service on this machine made for the operators who are the same user. */
export interface LocalKey {
  readonly token: string | undefined;
  readonly origin: string;
  /** Where the key is sent: a name such as localhost is replaced by the address of the service. */
  readonly url: string;
  readonly warning?: string;
}

const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };
/** What `localhost` may stand for, in the order in which a service is looked for. */
const ADDRESSES = ["127.0.0.1", "::1"];

/**
 * Looks for the file of the URL's address and port. undefined: there is none, or the URL leaves this machine,
 * where the key must never go. The address counts: while the service listens on one loopback address, any
 * other user can listen on the same port of another one, and so get what is sent to `localhost`.
 */
export function localKeyFor(url: string, env: NodeJS.ProcessEnv): LocalKey | undefined {
  const { protocol, hostname, port } = new URL(url);
  if (!isLoopback(hostname)) return undefined;
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  for (const one of isIP(address) === 0 ? ADDRESSES : [address]) {
    const file = localKeyFile(env, Number(port || PORTS[protocol]), one);
    const found = file === undefined ? undefined : keyIn(file);
    if (found !== undefined) return { ...found, url: withAddress(url, one) };
  }
  return undefined;
}

/** A certificate proves whom a name stands for, so an https URL keeps its name. */
function withAddress(text: string, address: string): string {
  const url = new URL(text);
  if (url.protocol === "https:") return text;
  url.hostname = isIPv6(address) ? `[${address}]` : address;
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

function keyIn(file: string): Omit<LocalKey, "url"> | undefined {
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
    url: local.url,
    token: local.token,
    origins: { ...origins, token: origin },
    warnings: [...warnings, ...more],
  };
}
