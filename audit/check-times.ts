import { counted } from "../runtime/counting.ts";
import type { Issued } from "./answers.ts";
import type { Check, Facts, Tolerances } from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import type { Findings } from "./verdict.ts";

/** Refusals that a holder never gets: the coupon stays, whatever state the campaign is in. */
const GONE = new Set(["SOLD_OUT", "ENDED", "PAUSED", "CANCELLED"]);

/**
 * U7: "sold out" is only true once N claims that became issuances had been made, N being what the campaign
 * had then: coupons may have been added since. And a holder never gets the answer that all coupons are gone,
 * or that the campaign is over or paused.
 */
export function checkSoldOut(facts: Facts, findings: Findings): Check {
  const { register, answers, tolerances } = facts;
  const { clockMs } = tolerances;
  const { first } = answers;
  let wasTrueAt: ReturnType<typeof soldOutTimes> | undefined;
  let soldOut = 0;
  return {
    entry(entry, key) {
      const { outcome } = entry;
      if (outcome.kind !== "refused") return;
      const { reason } = outcome;
      if (!GONE.has(reason)) return;
      const who = register.nameKey(key);
      if (reason === "SOLD_OUT") {
        soldOut += 1;
        wasTrueAt ??= soldOutTimes(facts);
        if (!wasTrueAt(entry.invokedAtMs - clockMs, entry.answeredAtMs + clockMs))
          findings.violation("false", who, " was told SOLD_OUT while coupons were left");
      }
      const held = register.held.get(key);
      if (first.order.get(key) < entry.invokedOrder)
        findings.violation("told again", who, ` had its coupon and was then told ${reason}`);
      else if (held !== -1 && register.atMs.get(held) + clockMs < entry.invokedAtMs)
        findings.violation("holds", who, ` holds a coupon, claimed before it asked, and was told ${reason}`);
    },
    verdict: () => findings.verdict(soldOut, `${counted(soldOut, "sold-out answer")}`),
  };
}

/**
 * Whether all were issued at some moment during a request: from the Nth claim until the one after it, which
 * only an addition made possible; for each N that the campaign has had.
 */
function soldOutTimes({ register, campaign }: Facts): (askedMs: number, answeredMs: number) => boolean {
  const claimed: number[] = [];
  for (let slot = 0; slot < register.codes.size; slot += 1) {
    if (register.has(slot, "issued")) claimed.push(register.atMs.get(slot));
  }
  const instants = Float64Array.from(claimed).sort();
  const times = (campaign.growth ?? []).map(({ from }) => ({
    fromMs: instants[from - 1] ?? Number.POSITIVE_INFINITY,
    untilMs: instants[from] ?? Number.POSITIVE_INFINITY,
  }));
  const fromMs = instants[campaign.total - 1] ?? Number.POSITIVE_INFINITY;
  times.push({ fromMs, untilMs: Number.POSITIVE_INFINITY });
  return (askedMs, answeredMs) =>
    times.some(({ fromMs, untilMs }) => answeredMs >= fromMs && askedMs <= untilMs);
}

/**
 * U8: nothing is issued, answered or opened before the start, on any clock; nothing is refused as early long
 * after it.
 */
export function checkNeverEarly(facts: Facts, findings: Findings): Check {
  const { register, tolerances } = facts;
  const { startsAtMs, openedAtMs, startMovedAtMs = startsAtMs } = facts.campaign;
  // A start that was moved to earlier, perhaps into the past: until then, "not yet" was right.
  const knownAtMs = Math.max(startsAtMs, startMovedAtMs);
  let refused = 0;
  return {
    code(slot) {
      if (!register.has(slot, "issued")) return;
      const earlyMs = startsAtMs - register.atMs.get(slot);
      if (earlyMs > 0)
        findings.violation(
          "issued early",
          register.nameCode(slot),
          ` was issued ${earlyMs} ms before the start`,
        );
    },
    entry(entry, key) {
      const { outcome } = entry;
      const who = register.nameKey(key);
      if (outcome.kind === "issued") {
        const early = earlyAnswer(outcome, entry, startsAtMs, tolerances.clockMs);
        if (early !== undefined) findings.violation("told early", who, early);
      } else if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") {
        refused += 1;
        const late = lateRefusal(entry, knownAtMs, tolerances);
        if (late !== undefined) findings.violation("refused late", who, `${late} ${outcome.reason}`);
      }
    },
    verdict() {
      const armedAtMs = facts.pool?.after.meta?.armedAtMs ?? 0;
      if (openedAtMs !== undefined && openedAtMs < startsAtMs)
        findings.violation(
          "recorded early",
          `recorded as opened ${startsAtMs - openedAtMs} ms before the start`,
        );
      if (armedAtMs !== 0 && armedAtMs < startsAtMs)
        findings.violation("armed early", `armed ${startsAtMs - armedAtMs} ms before the start`);
      const { entries } = facts.answers.counts();
      return findings.verdict(
        facts.issued + entries,
        `${entries === 0 ? "" : `${refused} refused before the start, `}${counted(facts.issued, "instant")}`,
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
