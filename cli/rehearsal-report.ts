import { PreflightColour, type PreflightLine } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { VerifyCheck } from "../proto/gen/coupon/v1/verify_pb.ts";
import { counted, grouped } from "../runtime/counting.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { preflightLines } from "./preflight-lines.ts";
import type { RehearsalPlan } from "./rehearsal-plan.ts";
import { factLines, printable } from "./render.ts";
import { checkLines, unjudgedIn, violatedIn } from "./verify-table.ts";

/** The results of the presses, by the callers' own record. */
export interface PressFacts {
  readonly presses: number;
  /** From the instant at which a press was due; of the presses after the start. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly issued: number;
  readonly again: number;
  /** The number of refusals by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Answers that were not definite; their users asked again. */
  readonly unclear: number;
  /** Presses without a definite answer at the end. */
  readonly unanswered: number;
  /** How late this command started a press at worst. */
  readonly ownLagMs: number;
}

/** All results of a rehearsal. */
export interface RehearsalFacts {
  readonly campaignId: string;
  readonly rehearsalId: string;
  readonly plan: RehearsalPlan;
  readonly preflight: { readonly colour: PreflightColour; readonly lines: readonly PreflightLine[] };
  readonly press: PressFacts;
  /** The number of issuances at the end, by the service. */
  readonly issued: number;
  readonly openingLateMs: number | undefined;
  readonly firstCouponLateMs: number | undefined;
  readonly soldOutAfterMs: number | undefined;
  readonly checks: readonly VerifyCheck[];
  /** Why the service could not check both stores; undefined: it checked them. */
  readonly notAudited?: string | undefined;
  readonly historyChecks: readonly VerifyCheck[];
}

/** A later opening is a failure of the rehearsal, on any machine. */
const lateMs = 1_000;
/** Users that wait longer press again, or leave. */
const slowMs = 1_000;
/** Where this command itself is later than this, its latencies mean little. */
const laggingMs = 100;

/** How many coupons must be issued. */
export function expectedIssued({ total, users }: RehearsalPlan): number {
  return Math.min(total, users);
}

/** The reasons why the rehearsal failed, in words; empty: it was good. */
export function reasonsAgainst(facts: RehearsalFacts): string[] {
  const { press, plan, issued, openingLateMs } = facts;
  const reasons: string[] = [];
  const broken = new Set([...violatedIn(facts.checks), ...violatedIn(facts.historyChecks)]);
  for (const invariant of broken) reasons.push(`${invariant} is violated`);
  // The sale has ended, so every invariant can be judged; one that was not judged is a failure.
  for (const { invariant, notJudgedBecause } of unjudgedIn([...facts.checks, ...facts.historyChecks]))
    reasons.push(`${invariant} was not judged: ${printable(notJudgedBecause)}`);
  if (facts.notAudited !== undefined) reasons.push(notAuditedWords(facts.notAudited));
  const expected = expectedIssued(plan);
  if (issued !== expected) reasons.push(`${grouped(issued)} issued instead of ${grouped(expected)}`);
  if (press.unanswered > 0)
    reasons.push(`${counted(press.unanswered, "press", "presses")} had no definite answer`);
  if (openingLateMs === undefined) reasons.push("it did not open");
  else if (openingLateMs > lateMs) reasons.push(`it opened ${grouped(Math.round(openingLateMs))} ms late`);
  if (facts.preflight.colour === PreflightColour.RED) reasons.push("preflight was red");
  return reasons;
}

function notAuditedWords(why: string): string {
  return `both stores could not be checked: ${why}`;
}

/** Remarks on a good rehearsal, to be considered before the launch. */
export function remarksOn({ press, preflight }: RehearsalFacts): string[] {
  const remarks: string[] = [];
  if ((press.refusals["NOT_STARTED"] ?? 0) === 0)
    remarks.push("no press reached the service before the start: this machine is too slow, or too far away");
  const { p99 } = press.latencyMs;
  if (p99 > slowMs) remarks.push(`p99 is ${grouped(Math.round(p99))} ms: one in a hundred waited longer`);
  const amber = preflight.lines.filter(({ colour }) => colour === PreflightColour.AMBER);
  if (preflight.colour === PreflightColour.AMBER)
    remarks.push(`preflight was amber: ${amber.map(({ check }) => check).join(", ")}`);
  return remarks;
}

export function exitCodeFor(facts: RehearsalFacts, reasons: readonly string[]): ExitCode {
  if (reasons.length === 0) return exitCodes.ok;
  if (facts.notAudited !== undefined && reasons.length === 1) return exitCodes.unjudged;
  const onlyRed = reasons.length === 1 && facts.preflight.colour === PreflightColour.RED;
  return onlyRed ? exitCodes.red : exitCodes.wrong;
}

export function reportText(
  output: Output,
  facts: RehearsalFacts,
  reasons: readonly string[],
  zone: string,
): string {
  const { press, plan, issued, preflight } = facts;
  const ms = (value: number | undefined, none: string) =>
    value === undefined ? none : `${grouped(Math.round(value))} ms after the start`;
  const exact = (value: number) => (Number.isFinite(value) ? value.toFixed(1) : "-");
  const refusals = Object.entries(press.refusals).map(([reason, count]) => `${reason} ${grouped(count)}`);
  const rows: [string, string][] = [
    ["opened", ms(facts.openingLateMs, "it did not")],
    ["first coupon", ms(facts.firstCouponLateMs, "none")],
    ["sold out", ms(facts.soldOutAfterMs, "no")],
    ["issued", `${grouped(issued)} of ${grouped(plan.total)}, ${counted(press.again, "answer")} again`],
    ["refusals", refusals.length === 0 ? "none" : refusals.join(", ")],
    [
      "unclear",
      `${counted(press.unclear, "answer")}, asked again; ${counted(press.unanswered, "press", "presses")} without one in the end`,
    ],
    [
      "latency",
      `p50 ${exact(press.latencyMs.p50)} ms, p99 ${exact(press.latencyMs.p99)} ms, worst ${exact(press.latencyMs.max)} ms from the due time`,
    ],
  ];
  const lag = `${grouped(Math.round(press.ownLagMs))} ms late at worst`;
  rows.push([
    "presses",
    `${grouped(press.presses)} at ${grouped(plan.ratePerSecond)} a second, ${lag}; --seed ${plan.seed}`,
  ]);
  const notGreen = preflight.lines.filter(({ colour }) => colour !== PreflightColour.GREEN);
  const green = `${preflight.lines.length - notGreen.length} of ${counted(preflight.lines.length, "line")} green`;
  const slow =
    press.ownLagMs > laggingMs
      ? "  note: this machine was too slow to press in time; the latencies have that in them\n"
      : "";
  const remarks = remarksOn(facts);
  const worth = remarks.map((remark) => `  - ${remark}\n`).join("");
  const thoughts =
    worth === "" ? "" : `${output.style("bold", "worth a thought before the launch")}\n${worth}`;
  const verdict = reasons.length === 0 ? output.style("green", "GOOD") : output.style("red", "NOT GOOD");
  const told = reasons.map((reason) => `\n  ! ${reason}`).join("");
  return (
    `${output.style("bold", "the launch")}\n${factLines(rows)}${slow}` +
    `${output.style("bold", "preflight")}, before the start: ${green}\n${preflightLines(output, notGreen, zone)}` +
    `${output.style("bold", "both stores")}\n${storeLines(output, facts)}` +
    `${output.style("bold", "callers' records")}\n${checkLines(output, facts.historyChecks)}` +
    `${thoughts}${output.style("bold", `rehearsal: ${verdict}`)}${told}\n`
  );
}

function storeLines(output: Output, { checks, notAudited }: RehearsalFacts): string {
  if (notAudited === undefined) return checkLines(output, checks);
  return `  ${output.style("red", "NOT CHECKED")}  ${notAudited}\n`;
}
