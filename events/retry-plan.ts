/** How long a sink may refuse events before they are put aside. */
export const GIVE_UP_AFTER_MS = 86_400_000;

const FIRST_MS = 1_000;
const MOST_MS = 600_000;
/** A receiver may ask for a longer pause, up to this. */
const ASKED_MOST_MS = 3_600_000;
/** The jitter reaches down to 0: even then some time passes. */
const LEAST_MS = 100;
/** From this failure on, batches become smaller: one event that is refused must not hold back all others. */
const SMALLER_FROM = 4;

/**
 * The pause after so many failures in a row (from 1 on): exponential, with full jitter. Source: AWS
 * Architecture Blog, Exponential Backoff And Jitter.
 */
export function retryDelayMs(attempts: number, askedMs: number, random: () => number): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempts, 20));
  return Math.max(LEAST_MS, Math.min(ASKED_MOST_MS, askedMs), Math.round(random() * most));
}

/**
 * How long until an attempt that a process, maybe another one, has planned on its clock, in ms. One that is
 * further away than any pause was planned on a clock that was ahead: it is due.
 */
export function untilPlannedMs(nextAtMs: number, nowMs: number): number {
  const ms = nextAtMs - nowMs;
  return ms > ASKED_MOST_MS ? 0 : Math.max(0, ms);
}

/** How many events the next attempt has at most. */
export function batchAfter(attempts: number, batchMax: number): number {
  return Math.max(1, Math.floor(batchMax / 2 ** Math.max(0, attempts - SMALLER_FROM + 1)));
}
