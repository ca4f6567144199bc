import { checkBalance, checkNeverMore, checkNothingStranded } from "./check-books.ts";
import { checkIssueOrder } from "./check-order.ts";
import { checkAcknowledged, checkOneOwner, checkSameCoupon } from "./check-owners.ts";
import { checkNeverEarly, checkSoldOut, ONE_MACHINE, type Tolerances } from "./check-times.ts";
import { gatherFacts } from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Verdict } from "./verdict.ts";

/** All verdicts over what the stores hold and what the callers were told. Pure: the same input, the same verdicts. */
export function runChecks(
  snapshot: Snapshot,
  history: readonly HistoryEntry[],
  tolerances: Tolerances = ONE_MACHINE,
): Verdict[] {
  const facts = gatherFacts(snapshot, history);
  return [
    checkOneOwner(facts),
    checkAcknowledged(facts),
    checkNeverMore(facts),
    checkSameCoupon(facts),
    checkBalance(facts),
    checkNothingStranded(facts),
    checkSoldOut(facts, tolerances),
    checkNeverEarly(facts, tolerances),
    checkIssueOrder(facts),
  ];
}

/**
 * The verdicts that need neither the list of codes nor the Redis side: what can be said of a service from outside, with the
 * issuances as its API tells them.
 */
export function runOutsideChecks(
  snapshot: Snapshot,
  history: readonly HistoryEntry[],
  tolerances: Tolerances = ONE_MACHINE,
): Verdict[] {
  const facts = gatherFacts(snapshot, history);
  return [
    checkOneOwner(facts),
    checkAcknowledged(facts),
    checkNeverMore(facts, false),
    checkSameCoupon(facts),
    checkNothingStranded(facts),
    checkSoldOut(facts, tolerances),
    checkNeverEarly(facts, tolerances),
    checkIssueOrder(facts),
  ];
}
