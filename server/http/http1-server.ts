import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { gateConnections } from "./connection-gate.ts";
import type { BoundConnections } from "./connection-limits.ts";
import { gatheredBytes } from "./gathered-writes.ts";
import { allowHalfOpen } from "./half-open.ts";
import type { InFlight } from "./in-flight.ts";
import { stopParsingEnded } from "./stop-parsing.ts";

/** From the first byte of a request on: a kept connection may be idle for longer (see keepAliveTimeoutMs). */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECTIONS_CHECK_MS = 2_000;
const HEADER_BYTES_MAX = 16 * 1024;
/** A caller that takes nothing of its answer for so long is cut; the streams of operators have their own. */
export const UNREAD_TIMEOUT_MS = 75_000;

export type Http1ServerOptions = BoundConnections & {
  readonly inFlight: InFlight;
  /** How long a connection may be idle between two requests. */
  readonly keepAliveTimeoutMs: number;
  readonly classes: Pick<ServerOptions, "IncomingMessage" | "ServerResponse">;
  readonly unreadTimeoutMs?: number;
};

/** Node's HTTP/1.1 server with every limit set. */
export function createHttp1Server(listener: RequestListener, options: Http1ServerOptions): Server {
  const { limits, noteCut, inFlight, unreadTimeoutMs = UNREAD_TIMEOUT_MS } = options;
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      noDelay: true,
      ...options.classes,
    },
    inFlight.counting(listener),
  );
  allowHalfOpen(server);
  stopParsingEnded(server);
  gateConnections(server, { ...limits, noteCut });
  server.maxConnections = limits.most;
  // Node counts it from the last byte that came or went. An answer that is being made may take longer.
  server.timeout = unreadTimeoutMs;
  server.on("timeout", (socket) => {
    const isUnread = socket.writableLength > 0 || gatheredBytes(socket) > 0;
    if (isUnread) noteCut("unread");
    if (isUnread || inFlight.on(socket) === 0) socket.destroy();
  });
  return server;
}
