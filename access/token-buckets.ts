import type { Clock } from "../runtime/clock.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";

/** `count` requests at once, and one more each `seconds / count` after that. */
export type Rate = { readonly count: number; readonly seconds: number };

/** A token bucket for each subject, in bounded memory. */
export type TokenBuckets = {
  /** Takes a token, and returns 0; or the ms until there is one, 1 or more, and takes none. */
  take(subject: string): number;
};

/** Between so many subjects and twice as many have a bucket; a subject without one has a full bucket. */
export const BUCKETS_HALF_MAX = 20_000;

/**
 * Counts each bucket as one number, the instant at which it is full again (GCRA, as in ITU-T I.371): no
 * timer, nothing to refill, and an entry that is dropped is one of a subject that asked least recently.
 */
export function createTokenBuckets({ count, seconds }: Rate, clock: Pick<Clock, "elapsed">): TokenBuckets {
  const everyMs = (seconds * 1_000) / count;
  const spareMs = (count - 1) * everyMs;
  const fullAtMs = createRecentEntries<number>(BUCKETS_HALF_MAX);
  return {
    take(subject) {
      const nowMs = clock.elapsed();
      const at = Math.max(nowMs, fullAtMs.get(subject) ?? 0);
      const waitMs = at - nowMs - spareMs;
      if (waitMs > 0) return Math.ceil(waitMs);
      fullAtMs.keep(subject, at + everyMs);
      return 0;
    },
  };
}
