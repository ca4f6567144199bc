import type { Server as Http1Server } from "node:http";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { InFlight } from "./in-flight.ts";

/**
 * Closes a door: no new connection, and those without a request in flight are cut at once. Resolves when the requests in flight have
 * been answered; what is not answered within `patienceMs` (half a body, a reader that stalls) is cut too.
 */
export type Drain = (patienceMs: number) => Promise<void>;

export function prepareHttpDrain(server: Http1Server, inFlight: InFlight): Drain {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return (patienceMs) =>
    new Promise((resolve) => {
      inFlight.onIdle((socket) => socket.destroySoon());
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, patienceMs);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      for (const socket of sockets) if (inFlight.on(socket) === 0) socket.destroy();
    });
}

export function prepareHttp2Drain(server: Http2Server): Drain {
  const sessions = new Map<ServerHttp2Session, number>();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    sessions.set(session, 0);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
    session.on("stream", (stream) => {
      sessions.set(session, (sessions.get(session) ?? 0) + 1);
      stream.once("close", () => {
        const streams = sessions.get(session);
        if (streams !== undefined) sessions.set(session, streams - 1);
      });
    });
  });
  return (patienceMs) =>
    new Promise((resolve) => {
      const cut = setTimeout(() => {
        for (const session of sessions.keys()) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, patienceMs);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      for (const [session, streams] of sessions) {
        if (streams === 0) session.destroy();
        else session.close();
      }
    });
}
