import type { HistoryEntry } from "../../audit/history.ts";
import type { Report } from "../../audit/stores/auditor.ts";
import { violated } from "../../audit/verdict-table.ts";
import { type ConcurrencyOptions, WITHIN_MOST_SECONDS } from "./options.ts";
import type { Sent } from "./send.ts";

/**
 * FAIL: a guarantee is violated. NOT JUDGED: no violation was found, and not all invariants could be judged.
 */
export type ConcurrencyVerdict = "PASS" | "FAIL" | "NOT JUDGED";

export type Judged = {
  readonly verdict: ConcurrencyVerdict;
  readonly line: string;
  readonly reasons: readonly string[];
};

/**
 * PASS: exactly the right coupons were issued. Each coupon went to one user and has its issuance, and all
 * other users were refused.
 */
export function judge(
  { servers, requests, coupons }: Pick<ConcurrencyOptions, "servers" | "requests" | "coupons">,
  sent: readonly Sent[],
  { issued, verdicts }: Pick<Report, "issued" | "verdicts">,
): Judged {
  const codes = sent.flatMap(({ outcome }) => (outcome.kind === "issued" ? [outcome.code] : []));
  const soldOut = sent.filter(({ outcome }) => outcome.kind === "refused" && outcome.reason === "SOLD_OUT");
  const others = sent.length - codes.length - soldOut.length;
  const duplicates = codes.length - new Set(codes).size;
  const wanted = Math.min(coupons, requests);
  const wrong = violated(verdicts);
  const unjudged = verdicts.filter(({ prevented }) => prevented === true);
  const violations = [
    ...(sent.length === requests ? [] : [`${sent.length} requests were sent instead of ${requests}`]),
    ...(codes.length === wanted ? [] : [`${codes.length} users were told a coupon instead of ${wanted}`]),
    ...(duplicates === 0 ? [] : [`${duplicates} coupons were told to more than one user`]),
    ...(issued === wanted ? [] : [`${issued} coupons are on record instead of ${wanted}`]),
    ...(others === 0 ? [] : [`${others} users were told neither a coupon nor SOLD_OUT`]),
    ...(wrong.length === 0 ? [] : [`the audit finds ${wrong.join(", ")} wrong`]),
  ];
  const reasons = [
    ...violations,
    ...unjudged.map(({ invariant, notJudged }) => `the audit could not judge ${invariant}: ${notJudged}`),
  ];
  const verdict = violations.length > 0 ? "FAIL" : reasons.length > 0 ? "NOT JUDGED" : "PASS";
  const fields = [
    `concurrency: ${verdict} servers=${servers} requests=${requests}`,
    `issued=${issued}/${coupons} told=${codes.length} duplicates=${duplicates}`,
    `sold_out=${soldOut.length} other=${others}`,
    ...(verdict === "PASS" ? [] : [`violations=${wrong.join(",") || "none"}`]),
  ];
  return { verdict, line: fields.join(" "), reasons };
}

/** Judges a run that did not end in time: the answers until then may already violate a guarantee. */
export function judgeUnfinished(
  {
    servers,
    requests,
    coupons,
    withinSeconds,
  }: Pick<ConcurrencyOptions, "servers" | "requests" | "coupons" | "withinSeconds">,
  history: readonly HistoryEntry[],
  step: string,
): Judged {
  const owners = new Map<string, Set<string>>();
  for (const { claimKey, outcome } of history)
    if (outcome.kind === "issued")
      owners.set(outcome.code, (owners.get(outcome.code) ?? new Set()).add(claimKey));
  const duplicates = [...owners.values()].filter((users) => users.size > 1).length;
  const reasons = [
    ...(duplicates === 0 ? [] : [`${duplicates} coupons were told to more than one user`]),
    ...(owners.size <= coupons ? [] : [`${owners.size} coupons were told instead of ${coupons} at most`]),
  ];
  const verdict = reasons.length > 0 ? "FAIL" : "NOT JUDGED";
  const more = Math.min(WITHIN_MOST_SECONDS, withinSeconds * 4);
  const late = `not done within ${withinSeconds} s, while ${step}; give it more time: --within ${more}`;
  return {
    verdict,
    line: `concurrency: ${verdict} servers=${servers} requests=${requests} ${[...reasons, late].join("; ")}`,
    reasons,
  };
}
