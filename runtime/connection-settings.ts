import { count } from "./setting-kinds.ts";

/** Where the settings do not say otherwise. */
export const CONNECTION_DEFAULTS = { most: 10_000, perSourceMax: 1_000 } as const;

/** How many connections a process serves at a time. */
export const connectionSettings = {
  /** On each port. */
  CONNECTIONS_MAX: count(10, 1_000_000).default(CONNECTION_DEFAULTS.most),
  /** On each port, from one IPv4 address or the /64 of an IPv6 address. */
  CONNECTIONS_PER_SOURCE_MAX: count(1, 1_000_000).default(CONNECTION_DEFAULTS.perSourceMax),
};
