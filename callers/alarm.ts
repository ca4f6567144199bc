/** One alarm, to be set again and again. */
export type Alarm = {
  /** Calls back once after so many milliseconds, which need not be whole. Replaces what was set before. */
  set(afterMs: number, callback: () => void): void;
  clear(): void;
};

/** To the millisecond, as timers of Node are: late by half of one on average, by all of one at worst. */
export function coarseAlarm(): Alarm {
  let timer: NodeJS.Timeout | undefined;
  return {
    set(afterMs, callback) {
      clearTimeout(timer);
      timer = setTimeout(callback, Math.max(0, afterMs));
    },
    clear: () => clearTimeout(timer),
  };
}
