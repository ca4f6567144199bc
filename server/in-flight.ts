import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that have come on each socket and are not answered yet: more than one where a caller pipelines. */
export type InFlight = {
  on(socket: Socket): number;
  /** Calls back when the last request in flight on a socket has been answered. */
  onIdle(callback: (socket: Socket) => void): void;
};

/** Counts before anybody else hears of the request. */
export function trackInFlight(server: HttpServer): InFlight {
  const counts = new WeakMap<Socket, number>();
  let idle: (socket: Socket) => void = () => undefined;
  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    counts.set(socket, (counts.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (counts.get(socket) ?? 1) - 1;
      counts.set(socket, left);
      if (left === 0) idle(socket);
    });
  });
  return {
    on: (socket) => counts.get(socket) ?? 0,
    onIdle(callback) {
      idle = callback;
    },
  };
}
