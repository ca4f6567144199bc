import type { Verdict } from "../audit/verdict.ts";
import { violated } from "../audit/verdict-table.ts";
import { missedBurst } from "./burst.mjs";
import type { ArtilleryReport } from "./run-artillery.ts";

export type Ending = {
  readonly report: ArtilleryReport;
  readonly total: number;
  readonly issued: number;
  readonly requests: number;
  readonly reached: number;
  readonly verdicts: readonly Verdict[];
  /** undefined: no burst was wanted. */
  readonly burst?: { readonly wanted: number; readonly waited: number } | undefined;
};

export type Conclusion = {
  readonly pass: boolean;
  readonly line: string;
  readonly reasons: readonly string[];
};

/** Artillery's exit code reports its thresholds: latency, share of errors, and no wrong answer. */
export function conclude({ report, total, issued, requests, reached, verdicts, burst }: Ending): Conclusion {
  const { counters, exitCode, responseTime } = report;
  const wrongAnswers = counters["coupon.wrong_answers"] ?? 0;
  const inBurst = counters["coupon.in_burst"] ?? 0;
  const missed = burst === undefined ? undefined : missedBurst({ ...burst, asked: inBurst });
  const violations = violated(verdicts);
  const unjudged = verdicts.filter(({ prevented }) => prevented === true);
  const reasons = [
    ...(requests > 0 ? [] : ["nothing was asked"]),
    ...(missed === undefined ? [] : [`there was no burst: ${missed}`]),
    ...(wrongAnswers === 0 ? [] : [`${wrongAnswers} answers were wrong`]),
    ...(exitCode === 0 ? [] : [`artillery ended with exit code ${exitCode}: see its checks`]),
    ...(violations.length === 0 ? [] : [`the audit finds ${violations.join(", ")} wrong`]),
    ...unjudged.map(({ invariant, notJudged }) => `the audit could not judge ${invariant}: ${notJudged}`),
  ];
  const pass = reasons.length === 0;
  const milliseconds = (value: number | undefined) =>
    value === undefined ? "none" : String(Math.round(value));
  const fields = [
    `load: ${pass ? "PASS" : "FAIL"}`,
    `issued=${issued}/${total}`,
    `requests=${requests}`,
    ...(burst === undefined ? [] : [`burst=${inBurst}/${burst.waited}`]),
    `rate=${Math.round(reached)}`,
    `p50_ms=${milliseconds(responseTime?.p50)}`,
    `p99_ms=${milliseconds(responseTime?.p99)}`,
    `failed_users=${counters["vusers.failed"] ?? 0}`,
    `wrong_answers=${wrongAnswers}`,
  ];
  if (!pass) fields.push(`violations=${violations.join(",") || "none"}`, `artillery_exit=${exitCode}`);
  return { pass, line: fields.join(" "), reasons };
}
