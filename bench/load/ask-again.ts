import type { Interceptor } from "@connectrpc/connect";
import { unreachableBecause } from "../../cli/reach.ts";

/** Each try may meet another kept connection that the service has closed. */
const TRIES_MAX = 5;
const READS = /^(Get|List|Find|Describe)/;

/**
 * Asks again when the connection broke under a call. A service closes connections that were idle for a
 * minute, and a busy process may write into one before it has read that it is closed. Only calls that may be
 * repeated: those that change nothing, and those with a request id.
 */
export const askAgain: Interceptor = (next) => async (request) => {
  const mayRepeat = !request.stream && (READS.test(request.method.name) || carriesKey(request.message));
  for (let tries = 1; ; tries += 1) {
    try {
      return await next(request);
    } catch (error) {
      const broke = unreachableBecause(error);
      const lost = broke?.passes === true && !broke.neverSent;
      if (!mayRepeat || !lost || tries >= TRIES_MAX || request.signal.aborted) throw error;
    }
  }
};

function carriesKey(message: object): boolean {
  return "requestId" in message && message.requestId !== "";
}
