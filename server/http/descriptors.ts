import { readFileSync } from "node:fs";

/** Descriptors that callers cannot take: those of the stores, logs, files and what Node itself opens. */
const RESERVED = 256;
const CONNECTIONS_LEAST = 10;

/** How many files this process may have open; undefined: the system does not say, or there is no limit. */
export function descriptorLimit(read: () => string = readLimits): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(read())?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    // Only Linux has the file.
    return undefined;
  }
}

const readLimits = () => readFileSync("/proc/self/limits", "utf8");

/**
 * The connections that each of so many ports may have: as many as wanted, but together so few that the last
 * descriptors stay for the stores. A process without descriptors cannot reach a store that closed its
 * connection.
 */
export function connectionsPerPort(wanted: number, ports: number, limit: number | undefined): number {
  if (limit === undefined) return wanted;
  // Where the limit is very low, callers get half of it.
  const free = Math.max(limit - RESERVED, Math.floor(limit / 2));
  return Math.min(wanted, Math.max(CONNECTIONS_LEAST, Math.floor(free / ports)));
}
