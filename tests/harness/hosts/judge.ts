import type { HistoryEntry } from "../../../audit/history.ts";
import { counted } from "../../../runtime/counting.ts";
import { NO_ANSWER, PROXY_ANSWER } from "./call-plan.ts";
import { longestGapMs } from "./recovery.ts";

/** What shows that the fault of a round was really met; below `least` the round is no evidence. */
export type Evidence = { readonly what: string; readonly value: number; readonly least: number };

/** The end of a fault for one server, and when it answered again; undefined: never, while callers asked. */
export type Recovery = { readonly who: string; readonly ms: number | undefined };

/** All that is known of a round. */
export type RoundFacts = {
  readonly startsAtMs: number;
  readonly total: number;
  /** Different users that asked. */
  readonly users: number;
  /** Of them, without a definite answer in the end. */
  readonly unanswered: number;
  readonly history: readonly HistoryEntry[];
  readonly issuances: readonly { readonly code: string; readonly claimKey: string }[];
  /** Invariants that `coupon verify` found violated, and how many it compared. */
  readonly violated: readonly string[];
  readonly checks: number;
  readonly isAtRest: boolean;
  readonly evidence: readonly Evidence[];
  readonly recoveries: readonly Recovery[];
  /** Of a round that nobody outside may notice: any request that failed is wrong. */
  readonly failsNone: boolean;
};

export type Judgement = {
  /** In words; empty: every guarantee held. */
  readonly violations: readonly string[];
  /** Requests without an answer of the service. */
  readonly failed: number;
  /** Answers of the service that leave a caller without a definite one, so that it asks again. */
  readonly unclear: number;
  /** Other troubles, in words; a round with any is not passed. */
  readonly troubles: readonly string[];
  /** The fault was not met: the round says nothing, and is held again. */
  readonly missed: readonly string[];
  readonly longestGapMs: number;
};

export function judge(facts: RoundFacts): Judgement {
  const { history, failsNone, evidence, recoveries } = facts;
  const failures = history.filter(isFailed);
  return {
    violations: violationsIn(facts),
    failed: failures.length,
    unclear: history.filter(isUnclear).length,
    troubles: [
      ...(failsNone && failures.length > 0
        ? [`${counted(failures.length, "request")} failed: ${wordsOf(failures)}`]
        : []),
      ...recoveries.filter(({ ms }) => ms === undefined).map(({ who }) => `${who} did not serve again`),
      ...(facts.isAtRest ? [] : ["the sale did not come to rest: no SOLD_OUT, or a ledger with entries"]),
    ],
    missed: evidence
      .filter(({ value, least }) => value < least)
      .map(({ what, value, least }) => `${what}=${value}, not ${least}`),
    longestGapMs: longestGapMs(history, facts.startsAtMs),
  };
}

/** No HTTP answer, or one of haproxy instead of the service's. */
function isFailed({ outcome }: HistoryEntry): boolean {
  if (outcome.kind !== "unknown") return false;
  return outcome.message.startsWith(NO_ANSWER) || outcome.message.startsWith(PROXY_ANSWER);
}

function isUnclear(entry: HistoryEntry): boolean {
  const { outcome } = entry;
  if (outcome.kind === "unknown") return !isFailed(entry);
  return outcome.kind === "refused" && !["SOLD_OUT", "NOT_STARTED"].includes(outcome.reason);
}

function wordsOf(entries: readonly HistoryEntry[]): string {
  const words = entries.map(({ outcome }) => (outcome.kind === "unknown" ? outcome.message : outcome.kind));
  return [...new Set(words)].slice(0, 5).join("; ");
}

function violationsIn(facts: RoundFacts): string[] {
  const { startsAtMs, total, users, unanswered, history, issuances, violated, checks } = facts;
  const ownerOf = new Map(issuances.map(({ code, claimKey }) => [code, claimKey]));
  const given = history.flatMap(({ claimKey, answeredAtMs, outcome }) =>
    outcome.kind === "issued" ? [{ claimKey, answeredAtMs, code: outcome.code }] : [],
  );
  const expected = Math.min(total, users);
  const count = (many: number, words: string) => (many === 0 ? [] : [`${many} ${words}`]);
  return [
    ...violated.map((invariant) => `coupon verify: ${invariant} is violated`),
    ...(checks === 0 ? ["coupon verify checked nothing"] : []),
    ...(issuances.length === expected ? [] : [`${issuances.length} coupons were issued, not ${expected}`]),
    ...count(issuances.length - ownerOf.size, "codes were issued twice"),
    ...count(
      issuances.length - new Set(issuances.map(({ claimKey }) => claimKey)).size,
      "users have a second coupon",
    ),
    ...count(
      given.filter(({ claimKey, code }) => ownerOf.get(code) !== claimKey).length,
      "answers gave a coupon that is not on record for their user",
    ),
    ...count(
      given.filter(({ answeredAtMs }) => answeredAtMs < startsAtMs).length,
      "coupons were given before the start",
    ),
    ...count(unanswered, "users had no definite answer in the end"),
  ];
}
