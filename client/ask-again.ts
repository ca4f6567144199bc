import type { Clock } from "./clock.ts";
import { type BackOff, retryDelayMs } from "./policy.ts";

/** An answer, and whether it is the last word. */
export type Answered<T> = {
  readonly answer: T;
  /** Undefined: the answer is definite. */
  readonly again?: Again | undefined;
};

export type Again = {
  /** The service's wait in ms; 0: it named none. */
  readonly retryAfterMs: number;
  /** True: the service spreads its callers itself, so the wait is kept exactly. False: after a failure. */
  readonly isPaced: boolean;
};

export type AskAgainOptions<T> = {
  /** `tries` counts from 1. Must not reject for what asking again may mend. */
  readonly ask: (tries: number) => Promise<Answered<T>>;
  readonly wait: (waitMs: number, answered: Answered<T>, tries: number) => Promise<void>;
  readonly backOff: BackOff;
  readonly random: () => number;
  readonly clock: Pick<Clock, "elapsed">;
  /** A wait that would end later than this after the first try is not begun; waits for the start are free. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** The end of a request: `isDefinite` is false where the patience ran out or the signal aborted. */
export type Asked<T> = { readonly answer: T; readonly tries: number; readonly isDefinite: boolean };

/** Asks, and asks again until the answer is definite: the one loop of page, load and demo. */
export async function askUntilDefinite<T>(options: AskAgainOptions<T>): Promise<Asked<T>> {
  const { ask, wait, backOff, random, clock, patienceMs, signal } = options;
  let givesUpAtMs = clock.elapsed() + patienceMs;
  const isAborted = (): boolean => signal?.aborted === true;
  let failures = 0;
  for (let tries = 1; ; tries += 1) {
    const answered = await ask(tries);
    const { answer, again } = answered;
    if (again === undefined) return { answer, tries, isDefinite: true };
    failures = again.isPaced ? 0 : failures + 1;
    const waitMs = again.isPaced
      ? again.retryAfterMs
      : retryDelayMs(backOff, failures, again.retryAfterMs, random());
    if (again.isPaced) givesUpAtMs += waitMs;
    if (isAborted() || clock.elapsed() + waitMs > givesUpAtMs) return { answer, tries, isDefinite: false };
    await wait(waitMs, answered, tries);
    if (isAborted()) return { answer, tries, isDefinite: false };
  }
}
