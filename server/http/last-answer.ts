import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Says `Connection: close` with the answer that is the last on its connection. Looked at when the head of the answer is written, not when
 * the request came: a server may have begun to drain in between, and more requests may have come behind it.
 */
export function closeWithLastAnswer(server: HttpServer, isLast: (socket: Socket) => boolean): void {
  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    // On the response itself: Express gives it another prototype.
    const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse;
    response.writeHead = (...given: unknown[]) => {
      if (isLast(socket)) response.setHeader("connection", "close");
      return writeHead(...given);
    };
  });
}
