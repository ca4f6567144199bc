import type { Facts, Issued, Refused } from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import { createFindings, redactCode, redactKey, type Verdict } from "./verdict.ts";

export type Tolerances = {
  /** How far the callers' wall clock may be from the stores'; 0 on one machine. */
  readonly clockMs: number;
  /** How long after the start an ask may still be refused as too early. */
  readonly lateRefusalMs: number;
};

export const ONE_MACHINE: Tolerances = { clockMs: 0, lateRefusalMs: 250 };

/**
 * U7: "sold out" is only true once N claims that became issuances had been made; and whoever holds a coupon is never told
 * that there are none, or that it is over.
 */
export function checkSoldOut(facts: Facts, { clockMs }: Tolerances): Verdict {
  const findings = createFindings("U7");
  const { snapshot, history, firstAnswers, issuanceByKey } = facts;
  const { total } = snapshot.campaign;
  const instants = Float64Array.from(snapshot.issuances, (issuance) => issuance.issuedAtMs).sort();
  const lastTakenAtMs = instants[total - 1] ?? Number.POSITIVE_INFINITY;
  let soldOut = 0;
  for (const entry of history) {
    if (entry.outcome.kind !== "refused") continue;
    const { reason } = entry.outcome;
    if (reason !== "SOLD_OUT" && reason !== "ENDED") continue;
    const who = redactKey(entry.claimKey);
    if (reason === "SOLD_OUT") {
      soldOut += 1;
      if (entry.answeredAtMs + clockMs < lastTakenAtMs)
        findings.violation(`${who} was told SOLD_OUT while coupons were left`);
    }
    const answer = firstAnswers.get(entry.claimKey);
    const issuance = issuanceByKey.get(entry.claimKey);
    if (answer !== undefined && answer.entry.answeredOrder < entry.invokedOrder)
      findings.violation(`${who} had its coupon and was then told ${reason}`);
    else if (issuance !== undefined && issuance.issuedAtMs + clockMs < entry.invokedAtMs)
      findings.violation(`${who} holds a coupon, claimed before it asked, and was told ${reason}`);
  }
  return findings.verdict(soldOut, `${soldOut} sold-out answers`);
}

/** U8: nothing is issued, answered or opened before the start, on any clock; nothing is refused as early long after it. */
export function checkNeverEarly({ snapshot, history }: Facts, tolerances: Tolerances): Verdict {
  const findings = createFindings("U8");
  const { startsAtMs, openedAtMs } = snapshot.campaign;
  const armedAtMs = snapshot.redis.meta?.armedAtMs ?? 0;
  if (openedAtMs !== undefined && openedAtMs < startsAtMs)
    findings.violation(`recorded as opened ${startsAtMs - openedAtMs} ms before the start`);
  if (armedAtMs !== 0 && armedAtMs < startsAtMs)
    findings.violation(`armed ${startsAtMs - armedAtMs} ms before the start`);
  for (const { code, issuedAtMs } of snapshot.issuances) {
    if (issuedAtMs < startsAtMs)
      findings.violation(`${redactCode(code)} was issued ${startsAtMs - issuedAtMs} ms before the start`);
  }
  let refused = 0;
  for (const entry of history) {
    const { outcome } = entry;
    if (outcome.kind === "issued") {
      const early = earlyAnswer(outcome, entry, startsAtMs, tolerances.clockMs);
      if (early !== undefined) findings.violation(early);
    } else if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") {
      refused += 1;
      const late = lateRefusal(outcome, entry, startsAtMs, tolerances);
      if (late !== undefined) findings.violation(late);
    }
  }
  return findings.verdict(
    snapshot.issuances.length + history.length,
    `${refused} refused before the start, ${snapshot.issuances.length} instants`,
  );
}

function earlyAnswer(coupon: Issued, entry: HistoryEntry, startsAtMs: number, clockMs: number) {
  const who = redactKey(entry.claimKey);
  if (coupon.issuedAtMs < startsAtMs)
    return `${who} was told an instant ${startsAtMs - coupon.issuedAtMs} ms before the start`;
  if (entry.answeredAtMs + clockMs < startsAtMs)
    return `${who} had its coupon ${startsAtMs - entry.answeredAtMs} ms before the start`;
  return undefined;
}

function lateRefusal({ reason }: Refused, entry: HistoryEntry, startsAtMs: number, tolerances: Tolerances) {
  const lateMs = entry.invokedAtMs - startsAtMs - tolerances.clockMs;
  if (lateMs <= tolerances.lateRefusalMs) return undefined;
  return `${redactKey(entry.claimKey)} asked ${Math.round(lateMs)} ms after the start and was refused ${reason}`;
}
