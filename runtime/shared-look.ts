import type { Clock } from "./clock.ts";
import { createSingleFlight } from "./single-flight.ts";

/** One answer for any number of callers. */
export type SharedLook<T> = (key: string) => Promise<T>;

const KEYS_MAX = 1_000;

/**
 * Asks at most once per `freshMs` and key, and never twice at a time: a caller that comes while an answer is
 * under way gets that one. A failure is shared in the same way, so that a failing store is not asked more
 * often than one that answers.
 */
export function createSharedLook<T>(
  ask: (key: string) => Promise<T>,
  freshMs: number,
  clock: Pick<Clock, "elapsed">,
): SharedLook<T> {
  const flights = createSingleFlight<T>();
  const looks = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();
  return (key) => {
    const nowMs = clock.elapsed();
    const last = looks.get(key);
    if (last !== undefined && nowMs - last.atMs < freshMs) return last.answer;
    const underWay = flights.underWay(key);
    if (underWay !== undefined) return underWay;
    if (looks.size >= KEYS_MAX) looks.clear();
    const answer = flights.run(key, () => ask(key));
    looks.set(key, { atMs: nowMs, answer });
    return answer;
  };
}
