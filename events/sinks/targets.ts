import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { LOOPBACK_TARGETS } from "../../runtime/event-sink-settings.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import { createIsInNetworks } from "../../runtime/networks.ts";
import { plainAddress } from "../../runtime/plain-address.ts";
import { isPublicAddress } from "./public-address.ts";
import type { Resolve } from "./resolve.ts";

/** A connection to a target, or to one of its addresses, is not allowed. */
export class TargetRefused extends Error {
  override readonly name = "TargetRefused";
}

/**
 * Where events may go: to public addresses, and to what the operator of this service has listed. What counts
 * is the address that a connection is made to, each time one is made: a name that led to a public address a
 * moment ago may lead to this network now.
 */
export type Targets = {
  /**
   * Why a host may not be a target, as it is written; undefined: it may, or its addresses decide. Node asks
   * `lookup` about names alone, so this is asked before each connection, too.
   */
  troubleOf(host: string, isEncrypted: boolean): string | undefined;
  /** The `lookup` of connections: only addresses that are allowed, or TargetRefused. */
  lookup(isEncrypted: boolean): LookupFunction;
};

const LISTED = "EVENT_SINKS_ALLOW lists those that are allowed beside public addresses";

/** `allow` as EVENT_SINKS_ALLOW has it: `loopback`, addresses, networks, names of hosts. */
export function createTargets(allow: readonly string[], resolve: Resolve): Targets {
  const isNetwork = (entry: string) => isIP(entry.split("/", 1)[0] ?? "") !== 0;
  const isListed = createIsInNetworks(allow.filter(isNetwork));
  const isLoopbackListed = allow.includes(LOOPBACK_TARGETS);
  const names = new Set(allow.filter((entry) => !isNetwork(entry) && entry !== LOOPBACK_TARGETS));

  function permits(host: string, text: string, isEncrypted: boolean): boolean {
    const address = plainAddress(text);
    if (address === undefined) return false;
    if (names.has(nameOf(host)) || isListed(address)) return true;
    // A name that does not say so must not lead to this machine.
    if (isLoopback(address)) return isLoopbackListed && isLoopback(host);
    return isEncrypted && isPublicAddress(address);
  }

  return {
    troubleOf(host, isEncrypted) {
      const name = nameOf(host);
      if (isIP(name) !== 0)
        return permits(name, name, isEncrypted)
          ? undefined
          : `must not have the address ${name}, which is ${isEncrypted ? "not public" : "reached without TLS"}; ${LISTED}`;
      return isLoopback(name) && !isLoopbackListed && !names.has(name)
        ? `must not be this machine; ${LISTED}`
        : undefined;
    },
    lookup: (isEncrypted) => (host, options, callback) => {
      resolve(host).then(
        (found) => {
          const allowed = found.filter(({ address }) => permits(host, address, isEncrypted));
          const wanted = allowed.filter(({ family }) => isFamily(options.family, family));
          const [first] = wanted;
          if (first === undefined) callback(new TargetRefused(refusalOf(host, isEncrypted)), []);
          else if (options.all === true) callback(null, wanted as LookupAddress[]);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    },
  };
}

/** Says nothing of the addresses: names of this network are not to be looked up by way of a sink. */
function refusalOf(host: string, isEncrypted: boolean): string {
  const kind = isEncrypted ? "public" : "of this machine or listed, and it is reached without TLS";
  return `${host} has no address that is ${kind}; ${LISTED}`;
}

function isFamily(wanted: unknown, family: number): boolean {
  return wanted === undefined || wanted === 0 || wanted === family || wanted === `IPv${family}`;
}

/** `[::1]` → `::1`; `Example.com.` → `example.com`. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}
