import type { Interceptor } from "@connectrpc/connect";
import { unreachableBecause } from "../../cli/reach.ts";

/** Each try may use another kept connection that the service has closed. */
const TRIES_MAX = 5;
const READS = /^(Get|List|Find|Describe)/;

/**
 * Repeats a call when its connection broke. A service closes connections that were idle for a minute, and a
 * busy process may write into one before it has read the end of it. Repeats only calls that change nothing,
 * or that have a request id.
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
