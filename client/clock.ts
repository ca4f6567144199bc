/** The two clocks of a device and its timers. Injected, so that tests control time. */
export interface Clock {
  /** The wall clock: milliseconds since the Unix epoch. It may be wrong, and jump. */
  now(): number;
  /** Milliseconds on a clock that never jumps; it may stand still while the device sleeps. */
  elapsed(): number;
  /** Calls back once after `delayMs`; returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

const TIMER_MOST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, callback) {
    // A browser takes a longer delay for none.
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MOST_MS));
    return () => clearTimeout(timer);
  },
};

/** A long wait looks at the clocks so often. */
const STEP_MOST_MS = 5_000;

/** Calls `wake` when something happened that ends a wait; returns what stops it. */
export type Waker = (wake: () => void) => () => void;

/**
 * Resolves after `waitMs` on the clock that never jumps, or when the wall clock is clearly past the end: the
 * device slept. Resolves at once when `signal` aborts or `waker` wakes.
 */
export function wait(clock: Clock, waitMs: number, signal?: AbortSignal, waker?: Waker): Promise<void> {
  return new Promise((resolve) => {
    const elapsedEndMs = clock.elapsed() + waitMs;
    const wallEndMs = clock.now() + waitMs + STEP_MOST_MS;
    let cancel = (): void => {};
    let sleepAgain = (): void => {};
    const settle = (): void => {
      cancel();
      sleepAgain();
      signal?.removeEventListener("abort", settle);
      resolve();
    };
    const step = (): void => {
      const leftMs = elapsedEndMs - clock.elapsed();
      if (leftMs <= 0 || clock.now() >= wallEndMs) settle();
      else cancel = clock.after(Math.min(Math.max(1, leftMs), STEP_MOST_MS), step);
    };
    if (signal?.aborted === true) return settle();
    signal?.addEventListener("abort", settle);
    if (waker !== undefined) sleepAgain = waker(settle);
    step();
  });
}
