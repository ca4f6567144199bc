import type { HistoryEntry } from "../../../audit/history.ts";

export type SoldSale = {
  readonly coupons: number;
  readonly startsAtMs: number;
  /** Issuances in MongoDB. */
  readonly recorded: number;
  /** Users without a definite answer. */
  readonly unanswered: readonly string[];
};

/** What is wrong with a sale that had more users than coupons, by what its users were told. */
export function judgeSale(sale: SoldSale, history: readonly HistoryEntry[]): string[] {
  const codesOf = new Map<string, Set<string>>();
  const usersOf = new Map<string, Set<string>>();
  let early = 0;
  for (const { claimKey, outcome, answeredAtMs } of history) {
    if (outcome.kind !== "issued") continue;
    codesOf.set(claimKey, (codesOf.get(claimKey) ?? new Set()).add(outcome.code));
    usersOf.set(outcome.code, (usersOf.get(outcome.code) ?? new Set()).add(claimKey));
    if (Math.min(outcome.issuedAtMs, answeredAtMs) < sale.startsAtMs) early += 1;
  }
  const changed = [...codesOf.values()].filter((codes) => codes.size > 1).length;
  const shared = [...usersOf.values()].filter((users) => users.size > 1).length;
  return [
    ...(usersOf.size === sale.coupons ? [] : [`${usersOf.size} coupons were told, not ${sale.coupons}`]),
    ...(sale.recorded === sale.coupons ? [] : [`${sale.recorded} are on record, not ${sale.coupons}`]),
    ...(changed === 0 ? [] : [`${changed} users were told several coupons`]),
    ...(shared === 0 ? [] : [`${shared} coupons were told to several users`]),
    ...(early === 0 ? [] : [`${early} coupons were told before the start`]),
    ...(sale.unanswered.length === 0 ? [] : [`${sale.unanswered.length} users have no definite answer`]),
  ];
}
