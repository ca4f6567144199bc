import { Code, ConnectError } from "@connectrpc/connect";

/**
 * What ends a call that nobody waits for any more: its deadline, as the framework tells it, or that the
 * caller has gone. To fall out of a stream instead would tell a caller whose deadline passed that it has
 * heard everything.
 */
export function goneError(signal: AbortSignal): ConnectError {
  const reason: unknown = signal.reason;
  return reason instanceof ConnectError ? reason : new ConnectError("the caller has gone", Code.Canceled);
}

/** @throws ConnectError when nobody waits for the answer any more */
export function throwIfGone(signal: AbortSignal): void {
  if (signal.aborted) throw goneError(signal);
}

/** What Node says of a stream or connection that the other side has left. */
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
 * nobody's mistake.
 */
export function isCallerGone(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return (
    error === signal.reason || (error instanceof Error && "code" in error && LEFT.has(String(error.code)))
  );
}
