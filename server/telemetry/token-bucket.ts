import type { Clock } from "../../runtime/clock.ts";

export type TokenBucketOptions = {
  /** Tokens at the start, and the most that gather. */
  readonly most: number;
  /** One more after each. */
  readonly everyMs: number;
  readonly clock: Pick<Clock, "elapsed">;
};

/** Returns a function that takes one token; false: there is none. */
export function createTokenBucket({ most, everyMs, clock }: TokenBucketOptions): () => boolean {
  let tokens = most;
  let filledAtMs = clock.elapsed();
  return () => {
    const came = Math.floor((clock.elapsed() - filledAtMs) / everyMs);
    tokens = Math.min(most, tokens + came);
    filledAtMs += came * everyMs;
    if (tokens === 0) return false;
    tokens -= 1;
    return true;
  };
}
