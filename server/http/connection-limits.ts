import type { NoteCut } from "./connection-gate.ts";

/** How many connections are open at a time, on each port. */
export type ConnectionLimits = {
  readonly most: number;
  /** From one IPv4 address, or from the /64 of an IPv6 address. */
  readonly perSourceMax: number;
  /** Whether an address is that of a trusted proxy, whose connections are those of many callers. */
  readonly isProxy: (address: string) => boolean;
};

/** What the servers of a process need to bound their connections. */
export type BoundConnections = { readonly limits: ConnectionLimits; readonly noteCut: NoteCut };
