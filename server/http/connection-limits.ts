import type { Config } from "../../runtime/config.ts";
import { createIsProxy, type IsProxy } from "../../runtime/proxy-settings.ts";
import type { NoteCut } from "./connection-gate.ts";
import { connectionsPerPort, descriptorLimit } from "./descriptors.ts";

/** How many connections are open at a time, on each port. */
export type ConnectionLimits = {
  readonly most: number;
  /** From one IPv4 address, or from the /64 of an IPv6 address. */
  readonly perSourceMax: number;
  /** Whether an address is that of a trusted proxy, whose connections are those of many callers. */
  readonly isProxy: IsProxy;
};

/** What the servers of a process need to bound their connections. */
export type BoundConnections = { readonly limits: ConnectionLimits; readonly noteCut: NoteCut };

/** The limits of the settings for a process that listens on so many ports. */
export function connectionLimitsOf(
  config: Pick<Config, "CONNECTIONS_MAX" | "CONNECTIONS_PER_SOURCE_MAX" | "TRUST_PROXY">,
  ports: number,
): ConnectionLimits {
  return {
    most: connectionsPerPort(config.CONNECTIONS_MAX, ports, descriptorLimit()),
    perSourceMax: config.CONNECTIONS_PER_SOURCE_MAX,
    isProxy: createIsProxy(config.TRUST_PROXY ?? []),
  };
}
