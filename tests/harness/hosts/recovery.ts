import type { HistoryEntry } from "../../../audit/history.ts";

/** How many right answers a server had given, by its own metrics. */
export type Sample = { readonly atMs: number; readonly successes: number };

/** From the end of a fault to the first sample in which a server has answered again; undefined: none has. */
export function recoveryMs(samples: readonly Sample[], endedAtMs: number): number | undefined {
  let before: number | undefined;
  for (const { atMs, successes } of samples) {
    // A new process counts from zero.
    if (atMs <= endedAtMs || before === undefined || successes < before) before = successes;
    else if (successes > before) return Math.max(0, atMs - endedAtMs);
  }
  return undefined;
}

/** A coupon, or the right word that there is none. */
export const isSuccess = ({ outcome }: HistoryEntry): boolean =>
  outcome.kind === "issued" || (outcome.kind === "refused" && outcome.reason === "SOLD_OUT");

/** The longest time without a right answer to anybody, from the start to the last answer. */
export function longestGapMs(history: readonly HistoryEntry[], startsAtMs: number): number {
  let last = startsAtMs;
  let longest = 0;
  for (const atMs of history
    .filter(isSuccess)
    .map(({ answeredAtMs }) => answeredAtMs)
    .sort((a, b) => a - b)) {
    longest = Math.max(longest, atMs - last);
    last = Math.max(last, atMs);
  }
  return longest;
}

/** The sum of what a server answered with a coupon or "sold out", in its page of metrics. */
export function successesOf(page: string): number {
  const counts = page.matchAll(/^coupon_claims_total\{outcome="(?:issued|replayed|sold_out)"[^}]*\} (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
