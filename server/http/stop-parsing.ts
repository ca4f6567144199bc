import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * What Node's parser of a connection calls for each head that it has read. Not documented; where it is
 * missing, the rest is parsed.
 */
type OnIncoming = (request: unknown, shouldKeepAlive: boolean) => number;
type ParsedSocket = Socket & { parser?: { onIncoming?: OnIncoming | null } | null };

/**
 * The parser takes what follows for another protocol, and reads no further. Source: llhttp,
 * on_headers_complete.
 */
const READ_NO_FURTHER = 2;

/**
 * A connection that was ended while its requests were parsed is not parsed further. Without this, Node makes
 * a request and a response of each of the hundreds that came in the same piece: twenty such connections held
 * the event loop for 90 ms. Must be called before anything else listens for connections.
 */
export function stopParsingEnded(server: Server): void {
  const protocol = server.listeners("connection") as ((socket: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: ParsedSocket) => {
    for (const listener of protocol) listener.call(server, socket);
    const { parser } = socket;
    const onIncoming = parser?.onIncoming;
    if (!parser || typeof onIncoming !== "function") return;
    parser.onIncoming = (request, shouldKeepAlive) =>
      socket.destroyed ? READ_NO_FURTHER : onIncoming(request, shouldKeepAlive);
  });
}
