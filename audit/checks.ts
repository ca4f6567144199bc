import { type ExaminationOptions, examine } from "./examination.ts";
import type { Tolerances } from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import type { ToldRedemption } from "./redemptions.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Verdict } from "./verdict.ts";

/**
 * All verdicts over what the stores hold at rest and the answers that callers got. Pure: the same input, the
 * same verdicts.
 */
export function runChecks(
  snapshot: Snapshot,
  history: readonly HistoryEntry[],
  tolerances?: Tolerances,
  redeemed: readonly ToldRedemption[] = [],
  erasureKey?: string,
): Verdict[] {
  return run(snapshot, history, "all", tolerances, redeemed, erasureKey);
}

/**
 * The verdicts that need neither the list of codes nor the Redis side: a service can be judged so from
 * outside, with the issuances that its API returns.
 */
export function runOutsideChecks(
  snapshot: Snapshot,
  history: readonly HistoryEntry[],
  tolerances?: Tolerances,
): Verdict[] {
  return run(snapshot, history, "outside", tolerances);
}

function run(
  { campaign, codes, issuances, redis, events, redemptions = [] }: Snapshot,
  history: readonly HistoryEntry[],
  scope: ExaminationOptions["scope"],
  tolerances: Tolerances | undefined,
  redeemed: readonly ToldRedemption[] = [],
  erasureKey?: string,
): Verdict[] {
  const given = tolerances === undefined ? {} : { tolerances };
  const options = { scope, rest: "demanded", erasureKey, ...given } as const;
  const examination = examine(campaign, options);
  if (scope !== "outside") {
    for (const [ordinal, code] of codes.entries()) examination.made(code, ordinal);
    for (const list of [redis.staged, redis.open, redis.away])
      for (const code of list) examination.pooled(code);
    for (const claim of redis.claims) examination.bound(claim);
    for (const id of redis.ledgerIds) examination.underWay(id, 0);
  }
  if (events !== undefined) {
    for (const part of events.parts) examination.part(part);
    examination.log(events.log);
    for (const entry of events.entries) examination.logged(entry);
  }
  const inOrder = issuances.toSorted((a, b) => a.generation - b.generation || a.seq - b.seq);
  for (const issuance of inOrder) examination.issued(issuance);
  for (const told of redeemed) examination.toldRedemption(told);
  for (const record of redemptions) examination.redemption(record);
  if (events !== undefined) examination.changes(events.changes);
  for (const entry of history) examination.told(entry);
  for (const entry of history) examination.toldAgain(entry);
  if (scope !== "outside") {
    const { meta, lengths, seq } = redis;
    examination.marks(undefined, { meta, lengths, seq, fenced: false });
  }
  const conclusion = examination.conclude();
  for (;;) {
    const step = conclusion.next();
    if (step.done === true) return [...step.value];
  }
}
