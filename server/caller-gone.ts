import { Code, ConnectError } from "@connectrpc/connect";

/**
 * What ends a call that nobody waits for any more: its deadline, as the framework tells it, or that the caller has gone. To fall out of a
 * stream instead would tell a caller whose deadline passed that it has heard everything.
 */
export function goneError(signal: AbortSignal): ConnectError {
  const reason: unknown = signal.reason;
  return reason instanceof ConnectError ? reason : new ConnectError("the caller has gone", Code.Canceled);
}

/** @throws ConnectError when nobody waits for the answer any more */
export function throwIfGone(signal: AbortSignal): void {
  if (signal.aborted) throw goneError(signal);
}
