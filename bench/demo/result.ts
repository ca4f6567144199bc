import type { HistoryEntry } from "../../audit/history.ts";
import type { Report } from "../../audit/stores/auditor.ts";
import type { Invariant } from "../../audit/verdict.ts";
import { violated } from "../../audit/verdict-table.ts";
import type { Percentiles } from "../../callers/percentiles.ts";

export type DemoResult = {
  readonly pass: boolean;
  readonly issued: number;
  readonly total: number;
  readonly duplicates: number;
  readonly early: number;
  readonly lost: number;
  /** Repeated asks that were answered with the same coupon. */
  readonly replaysSame: number;
  /** The first answer with a coupon, by the caller's clock; NaN: there was none. */
  readonly firstAfterStartMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly violations: readonly string[];
  /** Reasons for a failure other than violations, in words. */
  readonly reasons: readonly string[];
};

export type Ending = {
  readonly report: Report;
  readonly history: readonly HistoryEntry[];
  readonly expectedIssued: number;
  readonly unanswered: number;
  readonly atRest: boolean;
  readonly latency: Percentiles;
  /** Another reason for a failure; undefined: there is none. */
  readonly trouble?: string | undefined;
};

export function judge({
  report,
  history,
  expectedIssued,
  unanswered,
  atRest,
  latency,
  trouble,
}: Ending): DemoResult {
  const { campaign, issued, verdicts } = report;
  const countOf = (...wanted: Invariant[]) =>
    verdicts.reduce((sum, verdict) => sum + (wanted.includes(verdict.invariant) ? verdict.count : 0), 0);
  const violations = violated(verdicts);
  const reasons: string[] = [];
  if (issued !== expectedIssued) reasons.push(`${issued} issued instead of ${expectedIssued}`);
  if (unanswered > 0) reasons.push(`${unanswered} presses without a definite answer`);
  if (!atRest) reasons.push("did not come to rest in time");
  if (trouble !== undefined) reasons.push(trouble);
  return {
    pass: violations.length === 0 && reasons.length === 0,
    issued,
    total: campaign.total,
    duplicates: countOf("U1", "U4"),
    early: countOf("U8"),
    lost: countOf("U2"),
    replaysSame: countSameReplays(history),
    firstAfterStartMs: firstAnswerMs(history) - campaign.startsAtMs,
    p50Ms: latency.at(50),
    p99Ms: latency.at(99),
    violations,
    reasons,
  };
}

export function finalLine(result: DemoResult): string {
  const whole = (milliseconds: number) =>
    Number.isFinite(milliseconds) ? String(Math.round(milliseconds)) : "none";
  const fields = [
    `demo: ${result.pass ? "PASS" : "FAIL"}`,
    `issued=${result.issued}/${result.total}`,
    `duplicates=${result.duplicates}`,
    `early=${result.early}`,
    `lost=${result.lost}`,
    `replays_same=${result.replaysSame}`,
    `first_after_start_ms=${whole(result.firstAfterStartMs)}`,
    `p50_ms=${whole(result.p50Ms)}`,
    `p99_ms=${whole(result.p99Ms)}`,
  ];
  if (!result.pass) fields.push(`violations=${result.violations.join(",") || "none"}`);
  return fields.join(" ");
}

function countSameReplays(history: readonly HistoryEntry[]): number {
  const first = new Map<string, string>();
  let same = 0;
  for (const { claimKey, outcome } of history.toSorted((a, b) => a.answeredOrder - b.answeredOrder)) {
    if (outcome.kind !== "issued") continue;
    const coupon = `${outcome.code} ${outcome.seq} ${outcome.issuedAtMs}`;
    const earlier = first.get(claimKey);
    if (earlier === undefined) first.set(claimKey, coupon);
    else if (earlier === coupon) same += 1;
  }
  return same;
}

function firstAnswerMs(history: readonly HistoryEntry[]): number {
  let first = Number.NaN;
  for (const { outcome, answeredAtMs } of history) {
    if (outcome.kind === "issued" && !(answeredAtMs >= first)) first = answeredAtMs;
  }
  return first;
}
