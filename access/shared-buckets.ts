import { createHash } from "node:crypto";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { LimitName } from "../campaign/refusal.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";
import { BUCKETS_HALF_MAX, type Rate } from "./token-buckets.ts";

/** What is counted; validations by address, apart from that address' claims. */
export type SharedLimit = LimitName | "validate";

/** Token buckets that all processes share. */
export type SharedBuckets = {
  /**
   * Takes a token, and resolves to 0; or to the ms until there is one. 0 too where the others cannot be
   * asked: a limit never adds trouble. Never rejects.
   */
  take(by: SharedLimit, subject: string, rate: Rate): Promise<number>;
};

/**
 * Takes `points` from the bucket of a name in Redis. @returns points in use, and ms as `limit.lua` replies
 */
export type TakeInRedis = (name: string, points: number, rate: Rate) => Promise<readonly [number, number]>;

export type SharedBucketsDeps = {
  readonly take: TakeInRedis;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Longer than Redis needs, short beside the deadline of a claim. */
const ANSWER_WITHIN_MS = 50;
/** Questions under way at once; while there are as many, this process alone decides. */
const ASKED_MAX = 256;
/** The pause after a question without an answer. */
const AWAY_FOR_MS = 1_000;
const HASH_BYTES = 16;

/** A share of a limit that a process counts before it tells Redis of it: a busy address costs few calls. */
const UNTOLD_SHARE = 1 / 64;
/**
 * What is known here of a subject: when it was counted last, how many requests Redis does not know of, and
 * until when Redis has none for it.
 */
type Seen = { readonly atMs: number; readonly untold: number; readonly emptyUntilMs: number };

/**
 * The first request of a subject within its time is not told to Redis: a caller that claims once costs no
 * call more, and a crowd of invented users does not fill Redis. After that, Redis is told of each request,
 * or of a few at once where the limit is large. So each process lets through one request, or a 64th of the
 * limit, more than the limit at most. A name in Redis is a hash: no text of a caller reaches a key.
 */
export function createSharedBuckets({ take, clock, logger }: SharedBucketsDeps): SharedBuckets {
  const seen = createRecentEntries<Seen>(BUCKETS_HALF_MAX);
  const limiters = new Map<SharedLimit, RateLimiterRedis>();
  let asked = 0;
  let awayUntilMs = Number.NEGATIVE_INFINITY;
  let isAway = false;

  function limiterOf(by: SharedLimit, rate: Rate): RateLimiterRedis {
    const known = limiters.get(by);
    if (known !== undefined) return known;
    const limiter = new RateLimiterRedis({
      // The library calls this of its client; the script behind it is ours, a token bucket instead of a
      // window.
      storeClient: { rlflxIncr: ([name, points]: [string, string]) => take(name, Number(points), rate) },
      points: rate.count,
      duration: rate.seconds,
      keyPrefix: by,
    });
    limiters.set(by, limiter);
    return limiter;
  }

  /** Counts a request. @returns how many Redis is to be told of now, or 0; or the ms until there are more */
  function countHere(key: string, rate: Rate): { readonly points: number } | { readonly waitMs: number } {
    const nowMs = clock.elapsed();
    const last = seen.get(key);
    const isKnown = last !== undefined && nowMs - last.atMs < rate.seconds * 1_000;
    const emptyUntilMs = isKnown ? last.emptyUntilMs : Number.NEGATIVE_INFINITY;
    if (nowMs < emptyUntilMs) return { waitMs: Math.ceil(emptyUntilMs - nowMs) };
    const untold = (isKnown ? last.untold : 0) + 1;
    const isDue = isKnown && untold >= Math.ceil(rate.count * UNTOLD_SHARE);
    seen.keep(key, { atMs: nowMs, untold: isDue ? 0 : untold, emptyUntilMs });
    return { points: isDue ? Math.min(untold, rate.count) : 0 };
  }

  /**
   * Redis has fewer than `points`: one request is refused, and the others, which were let through, stay
   * untold.
   */
  function noteEmpty(key: string, points: number, waitMs: number): number {
    const nowMs = clock.elapsed();
    seen.keep(key, { atMs: nowMs, untold: points - 1, emptyUntilMs: nowMs + waitMs });
    return waitMs;
  }

  function noAnswer(error: unknown): number {
    awayUntilMs = clock.elapsed() + AWAY_FOR_MS;
    if (!isAway)
      logger.warn(
        { component: "access", err: error },
        "limits are not shared: Redis does not answer; each process counts alone",
      );
    isAway = true;
    return 0;
  }

  return {
    async take(by, subject, rate) {
      const key = `${by} ${subject}`;
      const counted = countHere(key, rate);
      if ("waitMs" in counted) return counted.waitMs;
      const { points } = counted;
      if (points === 0 || asked >= ASKED_MAX || clock.elapsed() < awayUntilMs) return 0;
      asked += 1;
      const consuming = limiterOf(by, rate).consume(hashOf(subject), points);
      consuming
        .catch(() => undefined)
        .finally(() => {
          asked -= 1;
        });
      try {
        await withDeadline(consuming, ANSWER_WITHIN_MS, "shared limits", clock);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) return noAnswer(error);
        return noteEmpty(key, points, Math.max(1, error.msBeforeNext));
      }
      if (isAway) logger.info({ component: "access" }, "limits are shared again");
      isAway = false;
      return 0;
    },
  };
}

function hashOf(subject: string): string {
  return createHash("sha256").update(subject).digest().subarray(0, HASH_BYTES).toString("base64url");
}
