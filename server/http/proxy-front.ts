import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { BoundConnections } from "./connection-limits.ts";
import type { Drain } from "./drain.ts";
import { stopListening } from "./listener.ts";
import { readProxyHeader } from "./proxy-header.ts";
import { declareSource } from "./socket-source.ts";

/** A port whose trusted proxies say with the PROXY protocol where each connection comes from. */
export type ProxyFront = {
  readonly server: Server;
  /** Ends the connections whose header is still awaited. */
  readonly drainHeaders: Drain;
};

export type ProxyFrontDeps = {
  /** The server behind, which listens on nothing itself. */
  readonly behind: Server;
  /** As the server behind would have it. */
  readonly allowHalfOpen: boolean;
  readonly bounded: BoundConnections;
  readonly clock: Clock;
  readonly headerTimeoutMs?: number;
};

/** A proxy sends it at once. */
const HEADER_TIMEOUT_MS = 5_000;

/**
 * A trusted proxy has to send the header: without it its callers would count as one. The bytes of anybody
 * else go to the server behind as they are, so that no caller can choose its address.
 */
export function createProxyFront(deps: ProxyFrontDeps): ProxyFront {
  const { behind, allowHalfOpen, bounded, clock, headerTimeoutMs = HEADER_TIMEOUT_MS } = deps;
  const { limits, noteCut } = bounded;
  const waiting = new Set<Socket>();

  function awaitHeader(socket: Socket): void {
    let bytes = Buffer.alloc(0);
    const done = () => {
      waiting.delete(socket);
      cancelTimeout();
      socket.off("readable", onReadable).off("error", onError).off("close", done).off("end", cut);
    };
    const onError = () => undefined;
    const cut = () => {
      done();
      // Load balancers connect and say nothing, to see whether the port is open.
      if (bytes.length > 0) noteCut("proxy_header");
      socket.on("error", onError).destroy();
    };
    const onReadable = () => {
      const more = socket.read() as Buffer | null;
      if (more === null) return;
      bytes = Buffer.concat([bytes, more]);
      const header = readProxyHeader(bytes);
      if (header.kind === "wrong") return cut();
      if (header.kind === "incomplete") return;
      done();
      if (header.address !== undefined) declareSource(socket, header.address);
      const rest = bytes.subarray(header.length);
      if (rest.length > 0) socket.unshift(rest);
      behind.emit("connection", socket);
    };
    const cancelTimeout = clock.after(headerTimeoutMs, cut);
    waiting.add(socket);
    socket.on("readable", onReadable).on("error", onError).on("close", done).on("end", cut);
  }

  const server = createServer({ noDelay: true, allowHalfOpen }, (socket) => {
    if (limits.isProxy(socket.remoteAddress ?? "")) awaitHeader(socket);
    else behind.emit("connection", socket);
  });
  server.maxConnections = limits.most;
  // The HTTP server starts to watch its time limits when it listens, which it never does itself here.
  server.on("listening", () => behind.emit("listening"));

  return {
    server,
    async drainHeaders({ idleMs }) {
      const closed = stopListening(server);
      const cancelCut = clock.after(idleMs, () => {
        for (const socket of waiting) socket.destroy();
      });
      await closed;
      cancelCut();
    },
  };
}
