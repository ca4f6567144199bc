import type { RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that have come on each socket and are not answered yet: more than one where a caller pipelines. */
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

  /** One function for all responses: a closure, and the wrapper of `once`, would be made anew for every request. A response closes once. */
  function closed(this: ServerResponse): void {
    const { socket } = this.req;
    const count = counts.get(socket);
    if (count === undefined) return;
    count.requests -= 1;
    if (count.requests === 0) idle(socket);
  }

  return {
    counting(listener) {
      return (request, response) => {
        const count = counts.get(request.socket);
        if (count === undefined) counts.set(request.socket, { requests: 1 });
        else count.requests += 1;
        response.on("close", closed);
        listener(request, response);
      };
    },
    on: (socket) => counts.get(socket)?.requests ?? 0,
    onIdle(callback) {
      idle = callback;
    },
  };
}
