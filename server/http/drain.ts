import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Server as NetServer, Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { gatheredBytes } from "./gathered-writes.ts";
import type { Http2Sessions } from "./http2-sessions.ts";
import type { InFlight } from "./in-flight.ts";
import { stopListening } from "./listener.ts";

export type DrainLimits = {
  /** Requests that are not answered within so long (half a body, a reader that stalls) are cut. */
  readonly patienceMs: number;
  /** How long a connection without a request in flight is kept for one that may be on its way. */
  readonly idleMs: number;
};

/**
 * Ends a transport: no new connection, the requests in flight are answered, and connections that are idle
 * stay open for a while, as a proxy may just be sending the next request on one; that is answered, and is the
 * last. Resolves when all connections have closed.
 */
export type Drain = (limits: DrainLimits) => Promise<void>;

/** `listeners`: what really listens, where that is not the server itself but a port in front of it. */
export function prepareHttpDrain(
  server: Http1Server,
  inFlight: InFlight,
  clock: Clock,
  listeners: readonly NetServer[] = [server],
): Drain {
  const sockets = openSockets(server);
  return async ({ patienceMs, idleMs }) => {
    const closed = Promise.all(listeners.map(stopListening));
    const cancelCut = clock.after(patienceMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    const closeIdle = () => {
      inFlight.onIdle((socket) => socket.destroySoon());
      for (const socket of sockets) {
        if (inFlight.on(socket) > 0) continue;
        if (gatheredBytes(socket) > 0) socket.destroySoon();
        else socket.destroy();
      }
    };
    // Node runs timers before it reads: a process that had no processor first reads what came meanwhile.
    const cancelIdle = clock.after(idleMs, () => setImmediate(closeIdle));
    await closed;
    cancelCut();
    cancelIdle();
    // Releases what Node's HTTP server keeps beside its listener.
    server.close();
  };
}

export function prepareHttp2Drain(
  server: Http2Server,
  sessions: Http2Sessions,
  clock: Clock,
  listeners: readonly NetServer[] = [server],
): Drain {
  const sockets = openSockets(server);
  return async ({ patienceMs, idleMs }) => {
    const closed = Promise.all(listeners.map(stopListening));
    const cancelCut = clock.after(patienceMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    sessions.retireAll(idleMs);
    await closed;
    cancelCut();
  };
}

function openSockets(server: { on(event: "connection", listener: (socket: Socket) => void): unknown }) {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}
