import { count } from "./setting-kinds.ts";

/** How many connections a process serves at a time. */
export const connectionSettings = {
  /** On each port. */
  CONNECTIONS_MAX: count(10, 1_000_000).default(10_000),
  /** On each port, from one IPv4 address or the /64 of an IPv6 address. */
  CONNECTIONS_PER_SOURCE_MAX: count(1, 1_000_000).default(1_000),
};
