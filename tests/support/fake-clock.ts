import { type Cancel, type Clock, MAX_TIMER_MS } from "../../runtime/clock.ts";

/** A clock that the test controls: it stands still until `pass` or `step` is called. */
export type FakeClock = Clock & {
  /** Passes time: the wall clock moves, and due timers fire in order, each at its own instant. */
  pass(ms: number): void;
  /** Sets the wall clock: it jumps, and timers do not change. */
  step(ms: number): void;
  /** The delays of the timers that have not fired. */
  waiting(): number[];
  /** How many timers were set in all. */
  set(): number;
};

export type FakeClockOptions = {
  startMs?: number;
  /** How much timers fire before their delay is over, as setTimeout may. */
  earlyMs?: number;
};

const LEAST_SLEEP_MS = 0.25;

export function fakeClock({ startMs = 1_800_000_000_000, earlyMs = 0 }: FakeClockOptions = {}): FakeClock {
  let wallMs = startMs;
  let monotonicMs = 0;
  let setCount = 0;
  const timers = new Set<{ dueMs: number; callback: () => void }>();

  function passTo(endMs: number): void {
    for (;;) {
      const due = [...timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      timers.delete(due);
      wallMs += Math.max(0, due.dueMs - monotonicMs);
      monotonicMs = Math.max(monotonicMs, due.dueMs);
      due.callback();
    }
    wallMs += endMs - monotonicMs;
    monotonicMs = endMs;
  }

  return {
    now: () => Math.floor(wallMs),
    elapsed: () => monotonicMs,
    after(delayMs, callback): Cancel {
      setCount++;
      // Like setTimeout: a delay that is too long fires at once.
      const honoured = delayMs > MAX_TIMER_MS ? 1 : Math.max(0, delayMs);
      // At least some time passes, or a timer that is set repeatedly would stop the clock.
      const sleptMs = Math.max(Math.min(honoured, LEAST_SLEEP_MS), honoured - earlyMs);
      const timer = { dueMs: monotonicMs + sleptMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    pass: (ms) => passTo(monotonicMs + ms),
    step(ms) {
      wallMs += ms;
    },
    waiting: () => [...timers].map(({ dueMs }) => dueMs - monotonicMs),
    set: () => setCount,
  };
}

/**
 * The real clock, whose wall time a test can shift, and on which it can pass time. Timers are real: for tests
 * that wait for a store.
 */
export type ShiftedClock = Clock & { shift(ms: number): void; pass(ms: number): void };

export function shiftedClock(): ShiftedClock {
  let offsetMs = 0;
  let passedMs = 0;
  return {
    now: () => Date.now() + offsetMs + passedMs,
    elapsed: () => performance.now() + passedMs,
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    shift(ms) {
      offsetMs += ms;
    },
    pass(ms) {
      passedMs += ms;
    },
  };
}
