import { limitKey } from "./keys.ts";
import type { Redis } from "./redis.ts";

/** How many points a full bucket has, and the seconds in which an empty one fills. */
type Size = { readonly count: number; readonly seconds: number };

/**
 * Takes points from a bucket that all processes share; resolves to what `limit.lua` replies. The caller has
 * its own deadline: no claim depends on the answer.
 */
export function createTakeFromLimit(redis: Pick<Redis, "limit">) {
  return async (name: string, points: number, { count, seconds }: Size) => {
    const args = [points, count, seconds].map(String);
    return (await redis.limit([limitKey(name)], args)) as readonly [number, number];
  };
}
