/** One alarm, to be set again and again. */
export type Alarm = {
  /** Calls back once after `afterMs`, a whole number or not. Replaces the alarm that was set before. */
  set(afterMs: number, callback: () => void): void;
  clear(): void;
};

/** An alarm with the resolution of Node's timers, 1 ms: 0.5 ms late on average, 1 ms at worst. */
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
