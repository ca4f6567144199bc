import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { campaignKeys, PROCESS_KEY } from "./keys.ts";
import type { Redis } from "./redis.ts";

/**
 * How far the clock of this process is ahead of that of Redis (negative: behind), with an error of at most
 * `uncertaintyMs`.
 */
export type ClockOffset = { readonly offsetMs: number; readonly uncertaintyMs: number };

/** The error from reading the own clock in whole milliseconds. */
const READING_MS = 1;

/**
 * Measures by one round trip: Redis reads its clock between the question and the answer, so the uncertainty
 * is half of the time between them. In a cluster it asks the node that has the campaign; without a campaign
 * always the same one.
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
