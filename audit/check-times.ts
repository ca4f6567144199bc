import type { Issued } from "./answers.ts";
import type { Check, Facts, Tolerances } from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import type { Findings } from "./verdict.ts";

/**
 * U7: "sold out" is only true once N claims that became issuances had been made; and whoever holds a coupon is never told
 * that there are none, or that it is over.
 */
export function checkSoldOut(facts: Facts, findings: Findings): Check {
  const { register, answers, tolerances } = facts;
  const { clockMs } = tolerances;
  const { first } = answers;
  let lastTakenAtMs: number | undefined;
  let soldOut = 0;
  return {
    entry(entry, key) {
      const { outcome } = entry;
      if (outcome.kind !== "refused") return;
      const { reason } = outcome;
      if (reason !== "SOLD_OUT" && reason !== "ENDED") return;
      const who = register.nameKey(key);
      lastTakenAtMs ??= lastTakenAt(facts);
      if (reason === "SOLD_OUT") {
        soldOut += 1;
        if (entry.answeredAtMs + clockMs < lastTakenAtMs)
          findings.violation(who, " was told SOLD_OUT while coupons were left");
      }
      const held = register.held.get(key);
      if (first.order.get(key) < entry.invokedOrder)
        findings.violation(who, ` had its coupon and was then told ${reason}`);
      else if (held !== -1 && register.atMs.get(held) + clockMs < entry.invokedAtMs)
        findings.violation(who, ` holds a coupon, claimed before it asked, and was told ${reason}`);
    },
    verdict: () => findings.verdict(soldOut, `${soldOut} sold-out answers`),
  };
}

/** When the Nth coupon went; infinite: it has not. */
function lastTakenAt({ register, campaign, issued }: Facts): number {
  if (issued < campaign.total) return Number.POSITIVE_INFINITY;
  const instants: number[] = [];
  for (let slot = 0; slot < register.codes.size; slot += 1) {
    if (register.has(slot, "issued")) instants.push(register.atMs.get(slot));
  }
  return Float64Array.from(instants).sort()[campaign.total - 1] ?? Number.POSITIVE_INFINITY;
}

/** U8: nothing is issued, answered or opened before the start, on any clock; nothing is refused as early long after it. */
export function checkNeverEarly(facts: Facts, findings: Findings): Check {
  const { register, tolerances } = facts;
  const { startsAtMs, openedAtMs } = facts.campaign;
  let refused = 0;
  return {
    code(slot) {
      if (!register.has(slot, "issued")) return;
      const earlyMs = startsAtMs - register.atMs.get(slot);
      if (earlyMs > 0)
        findings.violation(register.nameCode(slot), ` was issued ${earlyMs} ms before the start`);
    },
    entry(entry, key) {
      const { outcome } = entry;
      const who = register.nameKey(key);
      if (outcome.kind === "issued") {
        const early = earlyAnswer(outcome, entry, startsAtMs, tolerances.clockMs);
        if (early !== undefined) findings.violation(who, early);
      } else if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") {
        refused += 1;
        const late = lateRefusal(entry, startsAtMs, tolerances);
        if (late !== undefined) findings.violation(who, `${late} ${outcome.reason}`);
      }
    },
    verdict() {
      const armedAtMs = facts.pool?.after.meta?.armedAtMs ?? 0;
      if (openedAtMs !== undefined && openedAtMs < startsAtMs)
        findings.violation(`recorded as opened ${startsAtMs - openedAtMs} ms before the start`);
      if (armedAtMs !== 0 && armedAtMs < startsAtMs)
        findings.violation(`armed ${startsAtMs - armedAtMs} ms before the start`);
      const { entries } = facts.answers.counts();
      return findings.verdict(
        facts.issued + entries,
        `${entries === 0 ? "" : `${refused} refused before the start, `}${facts.issued} instants`,
      );
    },
  };
}

function earlyAnswer(coupon: Issued, entry: HistoryEntry, startsAtMs: number, clockMs: number) {
  if (coupon.issuedAtMs < startsAtMs)
    return ` was told an instant ${startsAtMs - coupon.issuedAtMs} ms before the start`;
  if (entry.answeredAtMs + clockMs < startsAtMs)
    return ` had its coupon ${startsAtMs - entry.answeredAtMs} ms before the start`;
  return undefined;
}

function lateRefusal(entry: HistoryEntry, startsAtMs: number, tolerances: Tolerances) {
  const lateMs = entry.invokedAtMs - startsAtMs - tolerances.clockMs;
  if (lateMs <= tolerances.lateRefusalMs) return undefined;
  return ` asked ${Math.round(lateMs)} ms after the start and was refused`;
}
