import type { CallOptions } from "@connectrpc/connect";
import { refuseGrpcPort } from "./grpc-port.ts";
import { unreachableBecause } from "./reach.ts";
import { isTransient, waitForRetry } from "./retry.ts";
import type { Session } from "./session.ts";
import { UncertainCall } from "./user-error.ts";

const defaultRetries = 5;

export interface CallWords {
  /** What is tried again, for the operator. */
  readonly again: string;
  /** How to ask again safely where the outcome stays unknown; undefined: the call changes nothing. */
  readonly advice?: string;
}

const readingWords: CallWords = { again: "asking again" };

/**
 * One call, tried again with the same request while the service is unavailable. Where nobody is found at the URL before any try
 * went out it fails at once: nothing can have happened. Later it goes on, because an earlier try may have happened.
 */
export async function call<T>(
  session: Session,
  send: (options: CallOptions) => Promise<T>,
  words: CallWords = readingWords,
): Promise<T> {
  const { settings, signal, output } = session;
  const retries = settings.retries ?? defaultRetries;
  const plan = { retries, signal, note: output.note, again: words.again };
  let mayHaveHappened = false;
  try {
    for (let failures = 1; ; failures++) {
      try {
        return await send({ signal, timeoutMs: settings.timeoutMs });
      } catch (error) {
        if (signal.aborted || unreachableBecause(error)?.neverSent !== true) mayHaveHappened = true;
        if (signal.aborted || !mayHaveHappened || !isTransient(error)) throw error;
        if (failures === 1) await refuseGrpcPort(session, error);
        await waitForRetry(error, failures, plan);
      }
    }
  } catch (error) {
    throw mayHaveHappened && words.advice !== undefined ? new UncertainCall(error, words.advice) : error;
  }
}
