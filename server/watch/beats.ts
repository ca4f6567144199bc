import type { Cancel, Clock } from "../../runtime/clock.ts";

/**
 * The instants at which streams take their snapshots: multiples of their interval on one clock, so that
 * streams of an interval take them together and the stores are asked once for all of them.
 */
export type Beats = {
  /** Resolves at the next beat that is half an interval away or more, or once the signal fires. */
  next(intervalMs: number, signal: AbortSignal): Promise<void>;
};

type Beat = { readonly waiting: Set<() => void>; readonly cancel: Cancel };

export function createBeats(clock: Pick<Clock, "elapsed" | "after">): Beats {
  /** Those that are waited for, by their instant. */
  const beats = new Map<number, Beat>();

  function beatAt(atMs: number): Beat {
    const known = beats.get(atMs);
    if (known !== undefined) return known;
    const waiting = new Set<() => void>();
    const cancel = clock.after(atMs - clock.elapsed(), () => {
      beats.delete(atMs);
      for (const wake of waiting) wake();
    });
    const beat = { waiting, cancel };
    beats.set(atMs, beat);
    return beat;
  }

  return {
    next: (intervalMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const atMs = Math.ceil(clock.elapsed() / intervalMs + 0.5) * intervalMs;
        const { waiting, cancel } = beatAt(atMs);
        const wake = () => {
          signal.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          waiting.delete(wake);
          if (waiting.size === 0) {
            beats.delete(atMs);
            cancel();
          }
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener("abort", leave);
      }),
  };
}
