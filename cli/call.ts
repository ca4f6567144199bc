import type { CallOptions } from "@connectrpc/connect";
import { type Answered, askUntilDefinite } from "../client/ask-again.ts";
import { unreachableBecause } from "./reach.ts";
import { askedMs, defaultCallRetries, isTransient, noteAndWait, operatorBackOff } from "./retry.ts";
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

/** What a try ended with. */
type Sent<T> = { readonly value?: T; readonly error?: unknown };

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

  async function ask(tries: number): Promise<Answered<Sent<T>>> {
    try {
      return { answer: { value: await send({ signal, timeoutMs: settings.timeoutMs }) } };
    } catch (error) {
      const own = userErrorIn(error);
      if (own !== undefined) throw own;
      if (signal.aborted) {
        mayHaveHappened = true;
        throw error;
      }
      if (tries === 1) await refuseWrongProtocol(session, error);
      const unreachable = unreachableBecause(error);
      // A server without HTTP, or without a valid certificate, is not the service: nothing can have
      // happened there.
      if (unreachable?.neverSent !== true && unreachable?.passes !== false) mayHaveHappened = true;
      const isLast = tries > retries || !isTransient(error);
      return {
        answer: { error },
        again: isLast ? undefined : { retryAfterMs: askedMs(error), isPaced: false },
      };
    }
  }

  try {
    const { answer } = await askUntilDefinite<Sent<T>>({
      ask,
      wait: (waitMs, { answer: { error } }, tries) => noteAndWait(error, tries, waitMs, plan),
      backOff: operatorBackOff,
      random: Math.random,
      clock: { elapsed: () => performance.now() },
      patienceMs: Number.POSITIVE_INFINITY,
    });
    if (answer.error !== undefined) throw answer.error;
    return answer.value as T;
  } catch (error) {
    throw mayHaveHappened && words.advice !== undefined ? new UncertainCall(error, words.advice) : error;
  }
}
