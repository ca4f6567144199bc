import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Server as NetServer, Socket } from "node:net";
import { createServer, type Server as TlsServer } from "node:tls";
import type { Clock } from "../../runtime/clock.ts";
import { gateConnections } from "./connection-gate.ts";
import type { BoundConnections } from "./connection-limits.ts";
import type { DrainLimits } from "./drain.ts";
import { stopListening } from "./listener.ts";
import { declareSource, peerOf } from "./socket-source.ts";
import { createTicketKeys, SESSION_ID_CONTEXT } from "./ticket-keys.ts";
import type { TlsCredentials } from "./tls-credentials.ts";

/** A TLS port in front of the servers of both protocols. */
export type TlsFront = {
  readonly server: TlsServer;
  /** Later connections get these; those that are open stay. */
  renew(credentials: TlsCredentials): void;
  /**
   * Ends the connections that are still in their handshake; the servers behind drain their own. `listener`:
   * what really listens, where that is another port in front.
   */
  drainHandshakes(limits: DrainLimits, listener?: NetServer): Promise<void>;
};

export type TlsFrontDeps = {
  readonly http: Http1Server;
  readonly grpc: Http2Server;
  readonly credentials: TlsCredentials;
  readonly bounded: BoundConnections;
  readonly clock: Clock;
  readonly handshakeTimeoutMs?: number;
};

const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Ends TLS, and gives each connection to the server of the protocol that its caller has chosen by ALPN;
 * without ALPN that is HTTP/1.1. Both servers keep all of their limits. The gate counts a connection before
 * its handshake, which is the dear part.
 */
export function createTlsFront(deps: TlsFrontDeps): TlsFront {
  const { http, grpc, credentials, bounded, clock, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = deps;
  const { limits, noteCut } = bounded;
  const server = createServer({
    ...credentials.context,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: handshakeTimeoutMs,
    noDelay: true,
    sessionIdContext: SESSION_ID_CONTEXT,
    ...{ requestCert: credentials.context.ca !== undefined, rejectUnauthorized: true },
  });
  gateConnections(server, { ...limits, noteCut });
  server.maxConnections = limits.most;
  /** By the other end: the socket of TLS does not give access to the one below it. */
  const handshaking = new Map<string, Socket>();
  const ticketKeys = createTicketKeys(server, clock);
  server.on("connection", (socket: Socket) => {
    ticketKeys.follow();
    const peer = peerOf(socket);
    handshaking.set(peer, socket);
    socket.once("close", () => {
      if (handshaking.get(peer) === socket) handshaking.delete(peer);
    });
  });
  server.on("secureConnection", (socket) => {
    const below = handshaking.get(peerOf(socket));
    handshaking.delete(peerOf(socket));
    if (below?.remoteAddress !== undefined && below.remoteAddress !== socket.remoteAddress)
      declareSource(socket, below.remoteAddress);
    const isHttp2 = socket.alpnProtocol === "h2";
    // As on a port without TLS. Not before the handshake: a caller that ends its side in it has left.
    socket.allowHalfOpen = !isHttp2;
    (isHttp2 ? grpc : http).emit("connection", socket);
  });
  // A caller without TLS, without a certificate, or that is too slow. Node leaves its socket open.
  server.on("tlsClientError", (_, socket) => socket.destroy());
  // Node's HTTP server starts to watch its time limits when it listens, which it never does itself here.
  server.on("listening", () => http.emit("listening"));

  return {
    server,
    renew: ({ context }) =>
      server.setSecureContext({
        ...context,
        // Otherwise each worker makes keys of its own from then on.
        ...{ sessionIdContext: SESSION_ID_CONTEXT, ticketKeys: server.getTicketKeys() },
      }),
    async drainHandshakes({ idleMs }, listener = server) {
      const closed = stopListening(listener);
      const cancelCut = clock.after(idleMs, () => {
        for (const socket of handshaking.values()) socket.destroy();
      });
      await closed;
      cancelCut();
    },
  };
}
