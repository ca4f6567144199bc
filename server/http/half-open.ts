import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Answers callers that end their side of the connection after their request (`nc -N` does) and read on. Node
 * itself would end the other side at once, and the answer would be lost, that of a claim that is made, too.
 */
export function allowHalfOpen(server: Server): void {
  // An old field of Node's server, which @types/node does not know.
  Object.assign(server, { httpAllowHalfOpen: true });
}

/**
 * Lets the connection end with its caller where `leaves` says so of a request: one that is long and read from
 * the stores, of a caller that may have closed the connection altogether, which looks the same until an
 * answer is sent.
 */
export function endWithCaller(
  listener: RequestListener,
  leaves: (request: IncomingMessage) => boolean,
): RequestListener {
  const watched = new WeakSet<Socket>();
  return (request, response) => {
    const { socket } = request;
    if (!watched.has(socket) && leaves(request)) {
      watched.add(socket);
      if (socket.readableEnded) socket.end();
      else socket.once("end", () => socket.end());
    }
    listener(request, response);
  };
}
