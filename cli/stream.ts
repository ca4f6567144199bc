import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { unreachableBecause } from "./reach.ts";
import { defaultCallRetries, isBrokenStream, waitForRetry } from "./retry.ts";
import type { Session } from "./session.ts";
import { refuseWrongProtocol } from "./wrong-protocol.ts";

const defaultRetries = 20;

export interface StreamPlan<T> {
  /** Opens the stream, from the place where the last one broke. */
  readonly open: (options: CallOptions) => AsyncIterable<T>;
  /**
   * The meaning of a proper end: all was sent, or the server is shutting down and the stream is opened again.
   */
  readonly properEnd: "finished" | "interrupted";
  /** The longest silence before the stream counts as broken. */
  readonly maxSilenceMs: number;
  readonly note: (text: string) => void;
  /**
   * Whether a message contains something new; `place` counts the messages of this opening from 0. Tries are
   * counted since the last such message: a stream that is opened again and again without progress is given
   * up.
   */
  readonly isProgress: (message: T, place: number) => boolean;
  /** How often to open it again in a row (--retries overrides it); undefined: the default. */
  readonly retries?: number;
  /** The longest wait between two tries; undefined: the default. */
  readonly maxDelayMs?: number;
}

/** The messages of a stream that is opened again whenever it breaks, as long as it makes progress. */
export async function* resumedStream<T>(session: Session, plan: StreamPlan<T>): AsyncGenerator<T, void> {
  const { signal, settings } = session;
  const retryPlan = {
    signal,
    note: plan.note,
    again: "opening the stream again",
    maxDelayMs: plan.maxDelayMs,
  };
  let heard = false;
  // The number of openings in a row without progress.
  let failures = 0;
  for (;;) {
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    signal.addEventListener("abort", stop);
    let broke: unknown;
    try {
      if (signal.aborted) throw new ConnectError("interrupted", Code.Canceled);
      let place = 0;
      for await (const message of untilSilent(plan.open({ signal: attempt.signal }), plan.maxSilenceMs)) {
        heard = true;
        if (plan.isProgress(message, place)) failures = 0;
        place += 1;
        yield message;
      }
      if (plan.properEnd === "finished") return;
      broke = new ConnectError("the service ended the stream", Code.Unavailable);
    } catch (error) {
      if (signal.aborted) throw error;
      if (!heard && failures === 0) await refuseWrongProtocol(session, error);
      if (!isBrokenStream(error)) throw error;
      broke = error;
    } finally {
      signal.removeEventListener("abort", stop);
      attempt.abort();
    }
    failures += 1;
    // A service that answered before is likely to come back; one that was never reached may not exist.
    const found = heard || unreachableBecause(broke)?.neverSent !== true;
    const most = found ? (plan.retries ?? defaultRetries) : defaultCallRetries;
    await waitForRetry(broke, failures, { ...retryPlan, retries: settings.retries ?? most });
  }
}

/** Only the time spent waiting for the server counts, not the time the consumer takes. */
async function* untilSilent<T>(messages: AsyncIterable<T>, maxSilenceMs: number): AsyncGenerator<T, void> {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const next = await withinMs(iterator.next(), maxSilenceMs);
    if (next.done === true) return;
    yield next.value;
  }
}

async function withinMs<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const error = new ConnectError(`nothing arrived for ${limitMs} ms`, Code.DeadlineExceeded);
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
