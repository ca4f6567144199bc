import { BlockList, isIP, isIPv4 } from "node:net";
import { plainAddress } from "./plain-address.ts";
import { checked, oneOf } from "./setting-kinds.ts";

/** The setting of which proxies are believed about the address of a caller. */

const LOOPBACK = "loopback";
const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1"];
const NETWORKS_MAX = 100;
const BITS = { 4: 32, 6: 128 } as const;
/** Bounds the memory of answers about addresses. */
const KNOWN_MAX = 10_000;
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
export type IsProxy = (address: string) => boolean;

export function createIsProxy(networks: readonly string[]): IsProxy {
  if (networks.length === 0) return () => false;
  const parts = networks.map(partsOf);
  const v4 = parts.filter(({ address }) => isIPv4(address)).map(v4Network);
  const v6 = new BlockList();
  for (const { address, bits = BITS[6] } of parts.filter((part) => !isIPv4(part.address)))
    v6.addSubnet(address, bits, "ipv6");
  const known = new Map<string, boolean>();

  function isTrusted(text: string): boolean {
    const address = plainAddress(text);
    if (address === undefined) return false;
    if (!isIPv4(address)) return v6.check(address, "ipv6");
    const number = v4Number(address);
    return v4.some(({ first, size }) => number >= first && number < first + size);
  }

  // Every request asks.
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    if (known.size >= KNOWN_MAX) known.clear();
    const answer = isTrusted(address);
    known.set(address, answer);
    return answer;
  };
}

/** Each caller has another address, mostly of IPv4: Node's BlockList takes 3 µs for one, this 0.3. */
function v4Network({ address, bits = BITS[4] }: NetworkParts): {
  readonly first: number;
  readonly size: number;
} {
  const size = 2 ** (BITS[4] - bits);
  return { first: Math.floor(v4Number(address) / size) * size, size };
}

function v4Number(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

type NetworkParts = { readonly address: string; readonly bits: number | undefined };

function networksIn(text: string): string[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return words.flatMap((word) => (word === LOOPBACK ? LOOPBACK_NETWORKS : [word]));
}

function partsOf(network: string): NetworkParts {
  const [address = "", bits] = network.split("/");
  return { address, bits: bits === undefined ? undefined : Number(bits) };
}

function networksTrouble(text: string): string | undefined {
  const networks = networksIn(text);
  if (networks.length === 0 || networks.length > NETWORKS_MAX) return RULE;
  for (const network of networks) {
    const { address, bits } = partsOf(network);
    const family = isIP(address);
    if (family === 0 || address.includes("%") || !/^[^/]+(\/\d{1,3})?$/.test(network)) return RULE;
    if (family === 6 && isIP(plainAddress(address) ?? "") === 4)
      return "must have an IPv4 address as it is, not within ::ffff:";
    if (bits === 0) return "must not have a network with the prefix /0: it would trust every caller";
    if (bits !== undefined && bits > BITS[family === 6 ? 6 : 4]) return RULE;
  }
  return undefined;
}
