import type { CallOptions } from "@connectrpc/connect";
import { unreachableBecause } from "./reach.ts";
import { defaultCallRetries, isTransient, waitForRetry } from "./retry.ts";
import type { Session } from "./session.ts";
import { UncertainCall } from "./user-error.ts";
import { refuseWrongProtocol } from "./wrong-protocol.ts";

export interface CallWords {
  /** What is tried again, for the operator. */
  readonly again: string;
  /** How to ask again safely where the outcome stays unknown; undefined: the call changes nothing. */
  readonly advice?: string;
}

const readingWords: CallWords = { again: "asking again" };

/**
 * One call, tried again with the same request while the service is unavailable or not to be found, which is
 * also what the restart of a server looks like. Where no try went out nothing can have happened, and the
 * error says no more than that.
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
        if (signal.aborted) {
          mayHaveHappened = true;
          throw error;
        }
        if (failures === 1) await refuseWrongProtocol(session, error);
        const unreachable = unreachableBecause(error);
        // What speaks no HTTP, or has no certificate that fits, is not the service: nothing can have happened
        // there.
        if (unreachable?.neverSent !== true && unreachable?.passes !== false) mayHaveHappened = true;
        if (!isTransient(error)) throw error;
        await waitForRetry(error, failures, plan);
      }
    }
  } catch (error) {
    throw mayHaveHappened && words.advice !== undefined ? new UncertainCall(error, words.advice) : error;
  }
}
