import type { CallOptions } from "@connectrpc/connect";
import { unreachableBecause } from "./reach.ts";
import { defaultCallRetries, isTransient, waitForRetry } from "./retry.ts";
import type { Session } from "./session.ts";
import { UncertainCall, userErrorIn } from "./user-error.ts";
import { refuseWrongProtocol } from "./wrong-protocol.ts";

export interface CallWords {
  /** The words for a retry, shown to the operator. */
  readonly again: string;
  /** How the operator can safely repeat a call with an unknown outcome; undefined: it changes nothing. */
  readonly advice?: string;
}

const readingWords: CallWords = { again: "asking again" };

/**
 * One call, repeated with the same request while the service is unavailable or cannot be reached, as during
 * the restart of a server. Where no try was sent, nothing can have happened, and the error is not an
 * UncertainCall.
 */
export async function call<T>(
  session: Session,
  send: (options: CallOptions) => Promise<T>,
  words: CallWords = readingWords,
): Promise<T> {
  const { settings, signal, output } = session;
  const retries = settings.retries ?? defaultCallRetries;
  const plan = { retries, signal, note: output.note, again: words.again };
  let mayHaveHappened = false;
  try {
    for (let failures = 1; ; failures++) {
      try {
        return await send({ signal, timeoutMs: settings.timeoutMs });
      } catch (error) {
        const own = userErrorIn(error);
        if (own !== undefined) throw own;
        if (signal.aborted) {
          mayHaveHappened = true;
          throw error;
        }
        if (failures === 1) await refuseWrongProtocol(session, error);
        const unreachable = unreachableBecause(error);
        // A server without HTTP, or without a valid certificate, is not the service: nothing can have
        // happened there.
        if (unreachable?.neverSent !== true && unreachable?.passes !== false) mayHaveHappened = true;
        if (!isTransient(error)) throw error;
        await waitForRetry(error, failures, plan);
      }
    }
  } catch (error) {
    throw mayHaveHappened && words.advice !== undefined ? new UncertainCall(error, words.advice) : error;
  }
}
