import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Counts the requests on each connection that are not answered yet, more than one where a caller pipelines,
 * and bounds them.
 */
export type InFlight = {
  /** The same listener, each request counted before it is called. */
  counting(listener: RequestListener): RequestListener;
  on(socket: Socket): number;
  /** Calls back when the last request in flight on a connection has been answered. */
  onIdle(callback: (socket: Socket) => void): void;
};

export type InFlightLimits = {
  /**
   * Requests of one connection that are served at once. One ends when its answer has left this process, so
   * this bounds the answers that a caller does not read, too.
   */
  readonly servedMax: number;
  /** Requests of one connection, those that wait for their turn included; one more ends the connection. */
  readonly requestsMax: number;
};

/** No browser and no proxy pipelines; a load generator sends a few dozen requests at once. */
export const IN_FLIGHT_LIMITS: InFlightLimits = { servedMax: 16, requestsMax: 64 };

type Connection = {
  readonly socket: Socket;
  requests: number;
  served: number;
  waiting: { readonly request: IncomingMessage; readonly response: CountedResponse }[] | undefined;
};

/**
 * Node ends each request of a closed connection with an error, of which nobody reads the stack trace: for
 * some hundred requests the traces cost as much as all else.
 */
function endWithoutTraces(socket: Socket): void {
  const { stackTraceLimit } = Error;
  socket.prependOnceListener("close", () => {
    Error.stackTraceLimit = 0;
  });
  socket.once("close", () => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  socket.destroy();
}

/** Kept on the response: a request that was destroyed before its end has no socket when that closes. */
const connectionOf = Symbol("connection");
type CountedResponse = ServerResponse & { [connectionOf]?: Connection };

/** `onCut`: called when a connection has too many. */
export function createInFlight(
  limits: InFlightLimits = IN_FLIGHT_LIMITS,
  onCut: () => void = () => undefined,
): InFlight {
  const connections = new WeakMap<Socket, Connection>();
  let idle: (socket: Socket) => void = () => undefined;

  return {
    counting(listener) {
      /** Serves the next that waits; the connection is read again when none does. */
      function serveNext(connection: Connection): void {
        const { socket } = connection;
        while (connection.waiting !== undefined && connection.served < limits.servedMax) {
          const next = connection.waiting.shift();
          if (connection.waiting.length === 0) {
            connection.waiting = undefined;
            socket.resume();
          }
          if (next === undefined || socket.destroyed) continue;
          connection.served += 1;
          listener(next.request, next.response);
        }
      }

      /** A response closes once. One function for all: a closure for each costs more than to count. */
      function closed(this: CountedResponse): void {
        const connection = this[connectionOf] as Connection;
        connection.requests -= 1;
        connection.served -= 1;
        if (connection.waiting !== undefined) serveNext(connection);
        if (connection.requests === 0) idle(connection.socket);
      }

      return (request, response: CountedResponse) => {
        const { socket } = request;
        if (socket.destroyed) return;
        let connection = connections.get(socket);
        if (connection === undefined) {
          connection = { socket, requests: 0, served: 0, waiting: undefined };
          connections.set(socket, connection);
        }
        if (connection.requests >= limits.requestsMax) {
          onCut();
          endWithoutTraces(socket);
          return;
        }
        connection.requests += 1;
        const isServed = connection.served < limits.servedMax;
        response[connectionOf] = connection;
        response.on("close", closed);
        if (isServed) {
          connection.served += 1;
          listener(request, response);
          return;
        }
        connection.waiting ??= [];
        connection.waiting.push({ request, response });
        socket.pause();
      };
    },
    on: (socket) => connections.get(socket)?.requests ?? 0,
    onIdle(callback) {
      idle = callback;
    },
  };
}
