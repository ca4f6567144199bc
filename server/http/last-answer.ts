import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** Whether the answer to this request is the last on its connection, because the server drains. */
export type IsLast = (request: IncomingMessage) => boolean;

/**
 * Sends `Connection: close` with the answer that is the last on its connection. Decided when the head of the
 * answer is written, not when the request came: the server may have begun to drain in between, and more
 * requests may have come behind it.
 */
export function closeWithLastAnswer(listener: RequestListener, isLast: IsLast): RequestListener {
  return (request, response) => {
    // Set on the response itself: Express gives it another prototype.
    const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse;
    response.writeHead = (...given: unknown[]) => {
      if (isLast(request)) response.setHeader("connection", "close");
      return writeHead(...given);
    };
    listener(request, response);
  };
}
