import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * A network of containers on this machine: each host has a loopback address of its own, 127.A.B.N, so that
 * every program keeps the port that it has in its container.
 */
export type LoopbackNetwork = {
  /** The address of a host; the next free one of the network where it is asked for the first time. */
  addressOf(host: string): string;
  close(): Promise<void>;
};

const MAX_TRIES = 20;
/** Held while the network is in use: another run that comes upon the same network takes another one. */
const LOCK = { host: 1, port: 4_242 } as const;
const FIRST_HOST = 11;

export async function loopbackNetwork(): Promise<LoopbackNetwork> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const network = `127.${randomInt(16, 255)}.${randomInt(0, 256)}`;
    const lock = await tryListen(`${network}.${LOCK.host}`, LOCK.port);
    if (lock === undefined) continue;
    const hosts = new Map<string, string>();
    return {
      addressOf(host) {
        const address = hosts.get(host) ?? `${network}.${FIRST_HOST + hosts.size}`;
        hosts.set(host, address);
        return address;
      },
      async close() {
        lock.close();
        await once(lock, "close");
      },
    };
  }
  throw new Error(`no free loopback network after ${MAX_TRIES} tries`);
}

async function tryListen(host: string, port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(port, host, () => resolve(server));
  });
}
