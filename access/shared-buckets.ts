import { createHash } from "node:crypto";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { LimitName } from "../campaign/refusal.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";
import { BUCKETS_HALF_MAX, type Rate } from "./token-buckets.ts";

/** Token buckets that all processes share. */
export type SharedBuckets = {
  /**
   * Takes a token, and resolves to 0; or to the ms until there is one. 0 too where the others cannot be
   * asked: a limit never adds trouble. Never rejects.
   */
  take(by: LimitName, subject: string, rate: Rate): Promise<number>;
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

/** How often a subject was counted here of late: `told`: Redis knows of it. */
type Seen = { readonly atMs: number; readonly told: boolean };

/**
 * The first request of a subject within its time is not told to Redis: a caller that claims once costs no
 * call more, and a crowd of invented users does not fill Redis. The second tells of both, so that each
 * process lets through one request more than the limit at most. A name in Redis is a hash: no text of a
 * caller reaches a key.
 */
export function createSharedBuckets({ take, clock, logger }: SharedBucketsDeps): SharedBuckets {
  const seen = createRecentEntries<Seen>(BUCKETS_HALF_MAX);
  const limiters = new Map<LimitName, RateLimiterRedis>();
  let asked = 0;
  let awayUntilMs = Number.NEGATIVE_INFINITY;
  let isAway = false;

  function limiterOf(by: LimitName, rate: Rate): RateLimiterRedis {
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

  /** How many points to tell Redis of; 0: none yet. */
  function pointsOf(by: LimitName, subject: string, rate: Rate): number {
    const key = `${by} ${subject}`;
    const last = seen.get(key);
    const nowMs = clock.elapsed();
    const isFirst = last === undefined || nowMs - last.atMs >= rate.seconds * 1_000;
    seen.keep(key, { atMs: nowMs, told: !isFirst });
    return isFirst ? 0 : last.told ? 1 : Math.min(2, rate.count);
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
      const points = pointsOf(by, subject, rate);
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
        return Math.max(1, error.msBeforeNext);
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
