import { createServer, type Server } from "node:net";

const HOST = "127.0.0.1";
const MAX_TRIES = 20;

/** Ports given out by this process: the kernel may offer one again before a server listens on it. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const server = await listen(0);
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (typeof address !== "object" || address === null || given.has(address.port)) continue;
    given.add(address.port);
    return address.port;
  }
  throw new Error(`no free port on ${HOST} after ${MAX_TRIES} tries`);
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
