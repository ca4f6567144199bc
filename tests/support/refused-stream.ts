import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

/**
 * No server has processed a stream that HTTP/2 refused (RFC 9113, section 8.7): the call may be sent again.
 * Connect for Node maps this to `unavailable`, but reports `internal`, because Node's error of the stream
 * comes before its close.
 */
export const refusedIsUnavailable: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (!isRefusedStream(error)) throw error;
    throw new ConnectError(
      "the stream was refused: ask again",
      Code.Unavailable,
      undefined,
      undefined,
      error,
    );
  }
};

/** Node gives the code of a stream's end only in the message. */
function isRefusedStream(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const refused =
    "code" in error &&
    error.code === "ERR_HTTP2_STREAM_ERROR" &&
    /\bNGHTTP2_REFUSED_STREAM\b/.test(error.message);
  return refused || isRefusedStream(error.cause);
}
