import type { Clock } from "../../runtime/clock.ts";

/** A piece of work that took longer was waiting for something, and a wait needs no rest after it. */
const PIECE_MOST_MS = 100;

/**
 * Rests after each piece of long work, so that it takes at most `share` of the time: of this process' loop,
 * and of the stores it asks. Each rest lets the requests that wait go first.
 */
export function createPace(clock: Clock, share: number): () => Promise<void> {
  const restPerWork = 1 / share - 1;
  let resumedAtMs = clock.elapsed();
  return () =>
    new Promise((resolve) => {
      const workedMs = Math.min(PIECE_MOST_MS, clock.elapsed() - resumedAtMs);
      clock.after(workedMs * restPerWork, () => {
        resumedAtMs = clock.elapsed();
        resolve();
      });
    });
}
