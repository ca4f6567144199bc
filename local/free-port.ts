import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

const HOST = "127.0.0.1";
const MAX_TRIES = 200;
const FIRST = 10_000;
/** Where Linux begins with the ports of outgoing connections, unless the machine says otherwise. */
const EPHEMERAL_FIRST = 32_768;

/** Ports given out by this process: none is given twice, also before a server listens on it. */
const given = new Set<number>();

/**
 * A port that is free, or the first of `neighbours` free ones in a row. None of those that the kernel gives
 * to outgoing connections: one of these could be taken again before the caller's server listens on it.
 */
export async function freePort(neighbours = 1): Promise<number> {
  const range = ephemeralFirst() - neighbours - FIRST;
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const first = FIRST + Math.floor(Math.random() * range);
    const ports = Array.from({ length: neighbours }, (_, i) => first + i);
    if (ports.some((port) => given.has(port))) continue;
    for (const port of ports) given.add(port);
    if ((await Promise.all(ports.map(isPortFree))).every((isFree) => isFree)) return first;
  }
  throw new Error(`no ${neighbours} free port(s) on ${HOST} after ${MAX_TRIES} tries`);
}

/** Source: the kernel's Documentation/networking/ip-sysctl, ip_local_port_range. */
function ephemeralFirst(): number {
  try {
    const first = Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10);
    return first > 2 * FIRST ? first : EPHEMERAL_FIRST;
  } catch {
    return EPHEMERAL_FIRST;
  }
}

export async function isPortFree(port: number): Promise<boolean> {
  try {
    const server = await listen(port);
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, HOST, () => resolve(server));
  });
}
