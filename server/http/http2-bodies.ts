import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

type Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/**
 * Passes a call on once its body has begun. A caller can leave a hundred calls of a connection without a
 * body: to begin each of them and to abort it later costs many times what it costs to wait.
 */
export function onceBodyBegins(listener: Listener): Listener {
  return (request, response) => {
    if (request.stream.endAfterHeaders) {
      listener(request, response);
      return;
    }
    // Also emitted where the body ends at once, and where the caller leaves: `Turns` pass over those.
    request.once("readable", () => listener(request, response));
  };
}
