import type { HistoryEntry } from "../audit/history.ts";

export type Pace = {
  /** Requests a second, over the seconds from the instant to the decline. */
  readonly reached: number;
  readonly bestSecond: number;
  /** Each second from the first request to the last. */
  readonly perSecond: readonly number[];
};

/**
 * How many requests a second were really made, by the callers' record: the load may fall behind its plan.
 */
export function paceOf(history: readonly HistoryEntry[], startsAtMs: number, fullSeconds: number): Pace {
  const counts = new Map<number, number>();
  for (const { invokedAtMs } of history) {
    const second = Math.floor((invokedAtMs - startsAtMs) / 1_000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  const seconds = [...counts.keys()];
  const [first, last] = [Math.min(...seconds), Math.max(...seconds)];
  const perSecond =
    history.length === 0
      ? []
      : Array.from({ length: last - first + 1 }, (_, i) => counts.get(first + i) ?? 0);
  let full = 0;
  for (let second = 0; second < fullSeconds; second += 1) full += counts.get(second) ?? 0;
  return { reached: full / fullSeconds, bestSecond: Math.max(0, ...perSecond), perSecond };
}
