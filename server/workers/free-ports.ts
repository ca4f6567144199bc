import { createServer, type Server } from "node:net";
import type { Listener } from "../../runtime/listeners.ts";
import { listen } from "../http/listen.ts";

/**
 * The ports that the group will share, by setting, tried before any worker is forked: a taken port is
 * reported early and once, and for port 0 a free one is chosen, which the group keeps even if all of its
 * workers crash.
 * @throws UserError when one is taken
 */
export async function freePorts(listeners: readonly Listener[]): Promise<Readonly<Record<string, string>>> {
  const ports: Record<string, string> = {};
  const servers: Server[] = [];
  try {
    for (const listener of listeners) {
      const server = createServer();
      servers.push(server);
      ports[listener.setting] = String(await listen(server, listener));
    }
    return ports;
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
