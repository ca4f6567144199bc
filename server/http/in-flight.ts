import type { RequestListener } from "node:http";
import type { Socket } from "node:net";

/**
 * Counts the requests on each socket that are not answered yet: more than one where a caller pipelines.
 */
export type InFlight = {
  /** The same listener, each request counted before it is called. */
  counting(listener: RequestListener): RequestListener;
  on(socket: Socket): number;
  /** Calls back when the last request in flight on a socket has been answered. */
  onIdle(callback: (socket: Socket) => void): void;
};

export function createInFlight(): InFlight {
  const counts = new WeakMap<Socket, { requests: number }>();
  let idle: (socket: Socket) => void = () => undefined;

  return {
    counting(listener) {
      return (request, response) => {
        // Kept here: a request that was destroyed before its end has no socket any more when its response
        // closes.
        const { socket } = request;
        const open = counts.get(socket) ?? { requests: 0 };
        if (open.requests === 0) counts.set(socket, open);
        open.requests += 1;
        // A response closes once.
        response.on("close", () => {
          open.requests -= 1;
          if (open.requests === 0) idle(socket);
        });
        listener(request, response);
      };
    },
    on: (socket) => counts.get(socket)?.requests ?? 0,
    onIdle(callback) {
      idle = callback;
    },
  };
}
