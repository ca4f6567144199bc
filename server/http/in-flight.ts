import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that have come on each socket and are not answered yet: more than one where a caller pipelines. */
export type InFlight = {
  on(socket: Socket): number;
  /** A request of which Node's server does not know. */
  begin(socket: Socket): void;
  end(socket: Socket): void;
  /** Calls back when the last request in flight on a socket has been answered. */
  onIdle(callback: (socket: Socket) => void): void;
};

/** Counts the requests of the server before anybody else hears of them. */
export function trackInFlight(server: HttpServer): InFlight {
  const counts = new WeakMap<Socket, number>();
  let idle: (socket: Socket) => void = () => undefined;

  function begin(socket: Socket): void {
    counts.set(socket, (counts.get(socket) ?? 0) + 1);
  }

  function end(socket: Socket): void {
    const left = (counts.get(socket) ?? 1) - 1;
    counts.set(socket, left);
    if (left === 0) idle(socket);
  }

  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    begin(socket);
    response.once("close", () => end(socket));
  });
  return {
    on: (socket) => counts.get(socket) ?? 0,
    begin,
    end,
    onIdle(callback) {
      idle = callback;
    },
  };
}
