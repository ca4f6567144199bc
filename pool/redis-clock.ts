import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { campaignKeys, PROCESS_KEY } from "./keys.ts";
import type { Redis } from "./redis.ts";

/**
 * How far this process' clock is ahead of that of Redis, negative: behind; true to within `uncertaintyMs`.
 */
export type ClockOffset = { readonly offsetMs: number; readonly uncertaintyMs: number };

/** What whole milliseconds of our own clock leave open. */
const READING_MS = 1;

/**
 * Measures by one round trip: Redis read its clock somewhere between the question and the answer, so half of
 * the time between them is the uncertainty. Of a cluster, the node that has the campaign is asked, without a
 * campaign always the same one.
 */
export function createRedisClock(redis: Redis, clock: Clock, deadlineMs: number) {
  return async (campaignId?: string): Promise<ClockOffset> => {
    const key = campaignId === undefined ? PROCESS_KEY : campaignKeys(campaignId).meta;
    const askedAtMs = clock.elapsed();
    const askedNowMs = clock.now();
    const reply = (await withDeadline(
      redis.clock([key], []),
      deadlineMs,
      "Redis clock",
    )) as readonly string[];
    const halfMs = (clock.elapsed() - askedAtMs) / 2;
    const redisMs = Number(reply[0]) * 1_000 + Number(reply[1]) / 1_000;
    return { offsetMs: askedNowMs + halfMs - redisMs, uncertaintyMs: halfMs + READING_MS };
  };
}

export type RedisClock = ReturnType<typeof createRedisClock>;
