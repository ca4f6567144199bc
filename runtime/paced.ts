import { type Clock, sleep } from "./clock.ts";

/**
 * Makes a dear answer at most once per `everyMs`, one at a time, for any number of callers. Those that come
 * while one is being made, or too early for the next, share the next: it begins after they came, so no caller
 * gets what was true before it asked.
 */
export function createPaced<T>(
  make: () => Promise<T>,
  everyMs: number,
  clock: Pick<Clock, "elapsed" | "after">,
): () => Promise<T> {
  let dueAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;

  async function makeNext(): Promise<T> {
    await underWay;
    const earlyMs = dueAtMs - clock.elapsed();
    if (earlyMs > 0) await sleep(clock, earlyMs);
    next = undefined;
    dueAtMs = clock.elapsed() + everyMs;
    const making = make();
    underWay = making.catch(() => undefined);
    return making;
  }

  return () => {
    next ??= makeNext();
    return next;
  };
}
