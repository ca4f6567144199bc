import type { Server, Socket } from "node:net";
import { sourceGroupOf } from "../../runtime/source-group.ts";

/** Why a connection was refused or ended: the values of a metric's label. */
export type CutReason =
  | "source_connections"
  | "source_waste"
  | "resets"
  | "control_frames"
  | "proxy_header"
  | "pipelining"
  | "unread";

/** Counts a connection that was refused or ended. */
export type NoteCut = (why: CutReason) => void;

export type ConnectionGateOptions = {
  /** Connections of one source group at a time. */
  readonly perSourceMax: number;
  /** A trusted proxy: what its many callers do is not counted together. */
  readonly isProxy: (address: string) => boolean;
  /** Whether this source group is refused for now, whatever its connections. */
  readonly isRefused?: (source: string) => boolean;
  readonly noteCut: NoteCut;
};

/**
 * Decides about each new connection before the server's protocol gets it: HTTP/2 fails on one that is
 * destroyed already. Must be called before anything else listens for connections.
 */
export function gateConnections(server: Server, options: ConnectionGateOptions): void {
  const { perSourceMax, isProxy, isRefused = () => false, noteCut } = options;
  const protocol = server.listeners("connection") as ((socket: Socket) => void)[];
  const open = new Map<string, number>();

  /** Returns the reason for which it is not served. */
  function refuse(socket: Socket): CutReason | undefined {
    const address = socket.remoteAddress ?? "";
    if (isProxy(address)) return undefined;
    const source = sourceGroupOf(address);
    if (isRefused(source)) return "source_waste";
    const others = open.get(source) ?? 0;
    if (others >= perSourceMax) return "source_connections";
    open.set(source, others + 1);
    socket.once("close", () => {
      const left = (open.get(source) ?? 1) - 1;
      if (left === 0) open.delete(source);
      else open.set(source, left);
    });
    return undefined;
  }

  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const why = refuse(socket);
    if (why === undefined) {
      for (const listener of protocol) listener.call(server, socket);
      return;
    }
    noteCut(why);
    // An error of a socket that no protocol has would end the process.
    socket.on("error", () => undefined).destroy();
  });
}
