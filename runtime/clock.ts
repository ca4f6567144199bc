/** Wall clock and one-shot timers, passed as a parameter so that tests can control the time. */
export type Clock = {
  /** Milliseconds since the Unix epoch, as `Date.now()`. */
  now(): number;
  /** Milliseconds on a monotonic clock, which cannot be set; only differences mean anything. */
  elapsed(): number;
  /** Calls back once after about `delayMs` (0 to 2^31-1). May be up to 1 ms early, as setTimeout is. */
  after(delayMs: number, callback: () => void): Cancel;
};

/** Cancels a timer; harmless when it has fired. */
export type Cancel = () => void;

/**
 * The longest delay setTimeout honours; anything longer fires at once. Source: Node.js timers documentation.
 */
export const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after about `ms` milliseconds of `clock`; in a test, once the test has advanced the clock. */
export function sleep(clock: Pick<Clock, "after">, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** Resolves after so long, or as soon as the signal aborts. */
export function sleepUnless(clock: Pick<Clock, "after">, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
  });
}
