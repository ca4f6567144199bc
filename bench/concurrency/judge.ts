import type { Report } from "../../audit/stores/auditor.ts";
import { violated } from "../../audit/verdict-table.ts";
import type { ConcurrencyOptions } from "./options.ts";
import type { Sent } from "./send.ts";

export type Judged = { readonly pass: boolean; readonly line: string; readonly reasons: readonly string[] };

/** Exactly the right coupons went out: one each to as many users as there are coupons, on record, and a clear no to all others. */
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
  const reasons = [
    ...(sent.length === requests ? [] : [`${sent.length} requests were sent instead of ${requests}`]),
    ...(codes.length === wanted ? [] : [`${codes.length} users were told a coupon instead of ${wanted}`]),
    ...(duplicates === 0 ? [] : [`${duplicates} coupons were told to more than one user`]),
    ...(issued === wanted ? [] : [`${issued} coupons are on record instead of ${wanted}`]),
    ...(others === 0 ? [] : [`${others} users were told neither a coupon nor SOLD_OUT`]),
    ...(wrong.length === 0 ? [] : [`the audit finds ${wrong.join(", ")} wrong`]),
    ...unjudged.map(({ invariant, notJudged }) => `the audit could not judge ${invariant}: ${notJudged}`),
  ];
  const pass = reasons.length === 0;
  const fields = [
    `concurrency: ${pass ? "PASS" : "FAIL"} servers=${servers} requests=${requests}`,
    `issued=${issued}/${coupons} told=${codes.length} duplicates=${duplicates}`,
    `sold_out=${soldOut.length} other=${others}`,
    ...(pass ? [] : [`violations=${wrong.join(",") || "none"}`]),
  ];
  return { pass, line: fields.join(" "), reasons };
}
