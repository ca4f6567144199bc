import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/**
 * Calls back with each new session and its socket. A session does not give access to its socket, and is made
 * in the same turn of the event loop as the socket arrives in.
 */
export function onHttp2Session(
  server: Http2Server,
  callback: (session: ServerHttp2Session, socket: Socket | undefined) => void,
): void {
  let arriving: Socket | undefined;
  server.prependListener("connection", (socket: Socket) => {
    arriving = socket;
  });
  server.on("session", (session) => callback(session, arriving));
}
