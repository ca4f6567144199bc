import type { Clock } from "../../runtime/clock.ts";

/** One answer for any number of onlookers. */
export type SharedLook<T> = (key: string) => Promise<T>;

const KEYS_MAX = 1_000;

/**
 * Asks at most once per `freshMs` and key, and never twice at a time: whoever comes while an answer is under way gets that one. A failure is
 * shared in the same way, so that a store in trouble is not asked more often than one that answers.
 */
export function createSharedLook<T>(
  ask: (key: string) => Promise<T>,
  freshMs: number,
  clock: Pick<Clock, "elapsed">,
): SharedLook<T> {
  const looks = new Map<string, { readonly atMs: number; underWay: boolean; readonly answer: Promise<T> }>();
  return (key) => {
    const nowMs = clock.elapsed();
    const last = looks.get(key);
    if (last !== undefined && (last.underWay || nowMs - last.atMs < freshMs)) return last.answer;
    if (looks.size >= KEYS_MAX) looks.clear();
    const look = { atMs: nowMs, underWay: true, answer: ask(key) };
    const settled = () => {
      look.underWay = false;
    };
    look.answer.then(settled, settled);
    looks.set(key, look);
    return look.answer;
  };
}
