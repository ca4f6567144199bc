import { type Cancel, type Clock, MAX_TIMER_MS } from "../../runtime/clock.ts";

/** Time that a test owns: it stands still until `pass` or `step` is called. */
export type FakeClock = Clock & {
  /** Time goes by: the wall clock moves, and timers that are due fire in order, each at its own instant. */
  pass(ms: number): void;
  /** Somebody sets the wall clock: it jumps, and no timer notices. */
  step(ms: number): void;
  /** Delays of the timers that wait. */
  waiting(): number[];
  /** How often a timer was set in all. */
  set(): number;
};

export type FakeClockOptions = {
  startMs?: number;
  /** Timers fire so much before their delay is over, as setTimeout may. */
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
      // As setTimeout: what is too long fires at once.
      const honoured = delayMs > MAX_TIMER_MS ? 1 : Math.max(0, delayMs);
      // However early: some time goes by, or a timer that is set again and again would stop time.
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
 * The real clock, but a test may shift its wall time, or let time go by on both scales. Timers are real ones:
 * for tests that wait for a store.
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
