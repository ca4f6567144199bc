import { createServer, type Server } from "node:net";
import type { Listener } from "../../runtime/listeners.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";
import { listen } from "../http/listen.ts";

/** So often ports are chosen: that another program takes each of them at once is no accident. */
export const PORT_CHOICES_MAX = 5;

/** Ports by setting. */
export type Ports = Readonly<Record<string, string>>;

/**
 * Starts a group on free ports. Between the choice of a port and the first worker that listens on it, another
 * program may take the port; where the choice was the service's own, others are chosen. `abandon` ends what
 * has started by then.
 */
export async function startOnFreePorts<T>(
  listeners: readonly Listener[],
  start: (ports: Ports) => Promise<T>,
  abandon: () => Promise<void>,
): Promise<T> {
  const isOwnChoice = listeners.some(({ port }) => port === 0);
  for (let choice = 1; ; choice += 1) {
    const ports = await freePorts(listeners);
    try {
      return await start(ports);
    } catch (error) {
      const isTaken = error instanceof UserError && error.exitCode === EXIT.portTaken;
      if (!isOwnChoice || !isTaken || choice === PORT_CHOICES_MAX) throw error;
      await abandon();
    }
  }
}

/**
 * The ports that the group will share, by setting, tried before any worker is forked: a taken port is
 * reported early and once, and for port 0 a free one is chosen, which the group keeps even if all of its
 * workers crash.
 * @throws UserError when one is taken
 */
async function freePorts(listeners: readonly Listener[]): Promise<Ports> {
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
