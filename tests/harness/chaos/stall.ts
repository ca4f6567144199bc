import type { Stall } from "../../../audit/check-run.ts";

const LOOK_EVERY_MS = 100;
/** A timer may be late by so much on a machine with time to spare. */
const ORDINARY_MS = 20;

/**
 * Measures the stalls of this process, by a clock that continues meanwhile: a round on a machine that stood
 * still proves nothing, and the time of a stall is none that the service had.
 */
export function watchStalls(): {
  readonly worstMs: number;
  readonly all: readonly Stall[];
  end(): void;
} {
  const all: Stall[] = [];
  let last = performance.now();
  let worstMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const ms = now - last - LOOK_EVERY_MS;
    worstMs = Math.max(worstMs, ms);
    if (ms > ORDINARY_MS) all.push({ endedAtMs: Date.now(), ms });
    last = now;
  }, LOOK_EVERY_MS);
  return {
    all,
    get worstMs() {
      return worstMs;
    },
    end: () => clearInterval(timer),
  };
}
