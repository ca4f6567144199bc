import type { Cancel, Clock } from "../runtime/clock.ts";

/** The longest a timer sleeps before it reads the clock again, so that it notices a clock that was set. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Calls back once, when the clock has reached `atMs` and not before. setTimeout may fire up to a millisecond
 * early, and fires at once for more than 2^31 ms, so the clock is read again each time.
 */
export function atInstant(clock: Clock, atMs: number, callback: () => void): Cancel {
  let cancel: Cancel = () => undefined;
  const look = () => {
    const left = atMs - clock.now();
    if (left <= 0) callback();
    else cancel = clock.after(Math.min(left, LOOK_AGAIN_MS), look);
  };
  cancel = clock.after(Math.min(Math.max(0, atMs - clock.now()), LOOK_AGAIN_MS), look);
  return () => cancel();
}

/** One timer for each campaign; the same instant again changes nothing, another instant replaces it. */
export type InstantTimers = {
  /** True: the timer was set; false: it was set already. */
  aim(campaignId: string, atMs: number, callback: () => void): boolean;
  clear(): void;
};

export function createInstantTimers(clock: Clock): InstantTimers {
  const timers = new Map<string, { atMs: number; cancel: Cancel }>();
  return {
    aim(campaignId, atMs, callback) {
      const set = timers.get(campaignId);
      if (set?.atMs === atMs) return false;
      set?.cancel();
      const cancel = atInstant(clock, atMs, () => {
        timers.delete(campaignId);
        callback();
      });
      timers.set(campaignId, { atMs, cancel });
      return true;
    },
    clear() {
      for (const { cancel } of timers.values()) cancel();
      timers.clear();
    },
  };
}
