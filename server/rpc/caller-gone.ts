import { Code, ConnectError } from "@connectrpc/connect";

/**
 * The error that ends an aborted call: its deadline, as the framework reports it, or that its caller has
 * gone. A stream must not simply return instead: a caller whose deadline passed would take what it has for
 * all.
 */
export function goneError(signal: AbortSignal): ConnectError {
  const reason: unknown = signal.reason;
  return reason instanceof ConnectError ? reason : new ConnectError("the caller has gone", Code.Canceled);
}

/** @throws ConnectError when the call was aborted: its caller has gone or its deadline has passed */
export function throwIfGone(signal: AbortSignal): void {
  if (signal.aborted) throw goneError(signal);
}

/** Node's error codes for a stream or connection that the other side has closed. */
const LEFT = new Set([
  ...[
    "ERR_STREAM_PREMATURE_CLOSE",
    "ERR_STREAM_DESTROYED",
    "ERR_STREAM_WRITE_AFTER_END",
    "ECONNRESET",
    "EPIPE",
  ],
  ...["ERR_HTTP2_INVALID_STREAM", "ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR"],
]);

/**
 * Whether a call failed only because its caller has left it, in the middle of the request or of the answer:
 * this is no fault of the service.
 */
export function isCallerGone(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return (
    error === signal.reason || (error instanceof Error && "code" in error && LEFT.has(String(error.code)))
  );
}
