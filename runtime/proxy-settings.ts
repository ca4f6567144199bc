import { createIsInNetworks, type IsInNetworks, networkTrouble } from "./networks.ts";
import { checked, oneOf } from "./setting-kinds.ts";

/** The setting of which proxies are believed about the address of a caller. */

const LOOPBACK = "loopback";
const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1"];
const NETWORKS_MAX = 100;
const RULE = `must be addresses, networks (10.0.0.0/8, 2001:db8::/48) or ${LOOPBACK}, at most ${NETWORKS_MAX}, with commas or blanks between them`;

export const proxySettings = {
  TRUST_PROXY: checked(networksTrouble).transform(networksIn).optional(),
  PROXY_PROTOCOL: oneOf(["on", "off"]).default("off"),
};

type ProxyConfig = {
  readonly TRUST_PROXY?: readonly string[] | undefined;
  readonly PROXY_PROTOCOL: "on" | "off";
};

/** What is wrong with the settings together; undefined: nothing. */
export function proxyTrouble({ TRUST_PROXY, PROXY_PROTOCOL }: ProxyConfig): string | undefined {
  return PROXY_PROTOCOL === "on" && TRUST_PROXY === undefined
    ? "PROXY_PROTOCOL is on, so TRUST_PROXY must name the proxies that speak it"
    : undefined;
}

/** Whether an address is that of a proxy in one of these networks. */
export type IsProxy = IsInNetworks;

export const createIsProxy = createIsInNetworks;

function networksIn(text: string): string[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return words.flatMap((word) => (word === LOOPBACK ? LOOPBACK_NETWORKS : [word]));
}

function networksTrouble(text: string): string | undefined {
  const networks = networksIn(text);
  if (networks.length === 0 || networks.length > NETWORKS_MAX) return RULE;
  for (const network of networks) {
    const trouble = networkTrouble(network);
    if (trouble === "mapped") return "must have an IPv4 address as it is, not within ::ffff:";
    if (trouble === "all") return "must not have a network with the prefix /0: it would trust every caller";
    if (trouble === "shape") return RULE;
  }
  return undefined;
}
