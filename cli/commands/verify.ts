import { create, toJson } from "@bufbuild/protobuf";
import {
  CheckVerdict,
  type VerifyCheck,
  VerifyCheckSchema,
  type VerifyReport,
} from "../../proto/gen/coupon/v1/verify_pb.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import type { Action } from "../command.ts";
import { type ConfirmedReport, checkConfirmed, confirmedTitle } from "../confirmed-check.ts";
import { exitCodes } from "../exit-code.ts";
import { checkHistory, type HistoryReport } from "../history-check.ts";
import { isOfAnother, ofAnother } from "../history-origin.ts";
import { jsonOptions } from "../json.ts";
import type { Output } from "../output.ts";
import { epochMsOf, printable } from "../render.ts";
import { damageIn } from "../retry.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";
import { defaultOffenders } from "../verbs/verify.ts";
import { verifyStores } from "../verification.ts";
import { checkLines, preventedIn, violatedIn } from "../verify-table.ts";

const maxOffenders = 1_000;
const maxClockMs = 600_000;

/** Invariants that only callers' records show; the stores alone are not enough to judge them. */
const ofCallers: readonly [invariant: string, title: string][] = [
  ["U2", "every acknowledged coupon is recorded"],
  ["U6", "nothing stranded"],
  ["U7", "no false sold-out"],
];

/** All that is told of a verification. */
type Told = {
  readonly report: VerifyReport;
  readonly history: HistoryReport | undefined;
  readonly files: readonly string[];
  readonly confirmed: ConfirmedReport | undefined;
  readonly redeemers: readonly string[];
};

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const { campaignId } = input;
    const offendersMax = input.wholeNumber("--offenders", 1, maxOffenders) ?? defaultOffenders;
    const clockMs = input.wholeNumber("--clock-tolerance", 0, maxClockMs) ?? 0;
    const files = input.text("--history")?.split(",") ?? [];
    const redeemers = input.text("--confirmed")?.split(",") ?? [];
    const report = await verifyStores(session, campaignId, offendersMax).catch(orFinding);
    const history =
      files.length === 0
        ? undefined
        : await checkHistory(session, { campaignId, files, clockMs, offendersMax }).catch(orUnread);
    const confirmed =
      redeemers.length === 0
        ? undefined
        : await checkConfirmed(session, { campaignId, files: redeemers, offendersMax });
    const isForeign = history !== undefined && history.unread === undefined && isOfAnother(history.codes);
    const judged = isForeign ? undefined : history;
    const told: Told = { report, history: judged, files, confirmed, redeemers };
    const ofRedeemers = confirmed === undefined ? [] : [confirmed.check];
    const ofOthers = [...(judged?.checks ?? []), ...ofRedeemers];
    const broken = [...new Set([...violatedIn(report.checks), ...violatedIn(ofOthers)])];
    await output.write(output.json ? reportJson(campaignId, told) : reportText(session, told));
    if (broken.length === 0 && !isForeign) return mustBeJudged([...report.checks, ...ofOthers]);
    const foreign = isForeign ? ofAnother(campaignId, history.codes) : undefined;
    if (foreign !== undefined && broken.length === 0) throw foreign;
    if (foreign !== undefined) output.note(foreign.message);
    throw new UserError(`${broken.join(", ")} ${broken.length === 1 ? "is" : "are"} violated`, {
      exitCode: exitCodes.wrong,
      hint: "docs/verify.md says how to find what is named",
    });
  },
};

/** A damaged document that stops the audit is its finding. */
function orFinding(error: unknown): never {
  const damage = damageIn(error);
  if (damage === undefined) throw error;
  throw new UserError(`stored data is damaged: ${printable(damage)}`, {
    exitCode: exitCodes.wrong,
    hint: "nothing more could be verified: mend or remove that document, and verify again",
  });
}

/**
 * The service could not export its issuances: the checks of both stores are shown all the same, with the
 * reason why the callers' records were not read.
 */
function orUnread(error: unknown): HistoryReport {
  const unread = damageIn(error);
  if (unread === undefined) throw error;
  const why = `the service cannot list its issuances: ${unread}`;
  const checks = ofCallers.map((one) => ({ ...unjudged(one, why), prevented: true }));
  return { unread, entries: 0, exported: 0, codes: { all: 0, issued: 0 }, checks };
}

/** Called without a violation: throws, with an exit code of its own, if a check could not be made. */
function mustBeJudged(checks: readonly VerifyCheck[]): void {
  const { invariants, why } = preventedIn(checks);
  if (invariants.length === 0) return;
  throw new UserError(`${invariants.join(", ")} could not be judged: ${why.join("; ")}`, {
    exitCode: exitCodes.unjudged,
    hint: "nothing was found wrong, and not everything was looked at: verify again",
  });
}

function reportText({ output }: Session, { report, history, files, confirmed, redeemers }: Told): string {
  const { live, readings, issued, total } = report;
  const tookMs = (epochMsOf(report.endedAt) ?? 0) - (epochMsOf(report.beganAt) ?? 0);
  const how = [
    `${grouped(issued)} of ${grouped(total)} issued`,
    live ? "live" : "at rest",
    ...(readings > 1 ? [`read ${counted(readings, "time")}`] : []),
    `${(tookMs / 1_000).toFixed(1)} s`,
  ];
  const unseen = [
    ...(history === undefined ? ofCallers.map((one) => unjudged(one)) : []),
    ...(confirmed === undefined
      ? [unjudged(["R2", confirmedTitle], "only redeemers' records show it (--confirmed)")]
      : []),
  ];
  const stores = `${output.style("bold", "both stores")}, read by the service: ${how.join(", ")}\n${checkLines(output, [...report.checks, ...unseen])}`;
  return stores + historyText(output, history, files) + confirmedText(output, confirmed, redeemers);
}

function confirmedText(
  output: Output,
  report: ConfirmedReport | undefined,
  files: readonly string[],
): string {
  if (report === undefined) return "";
  const heading = output.style("bold", "redeemers' records");
  const from = `${files.map(printable).join(", ")}: ${counted(report.entries, "confirmation")}`;
  return `${heading}, ${from}\n${checkLines(output, [report.check])}`;
}

function historyText(output: Output, history: HistoryReport | undefined, files: readonly string[]): string {
  if (history === undefined) return "";
  const { entries, exported, checks, unread } = history;
  const heading = `${output.style("bold", "callers' records")}, ${files.map(printable).join(", ")}: ${unread === undefined ? `${counted(entries, "answer")} against ${counted(exported, "exported coupon")}` : "not judged"}`;
  return `${heading}\n${checkLines(output, checks)}`;
}

function unjudged(
  [invariant, title]: readonly [string, string],
  why = "only callers' records show it (--history)",
): VerifyCheck {
  return create(VerifyCheckSchema, {
    ...{ invariant, title, verdict: CheckVerdict.NOT_JUDGED, notJudgedBecause: why },
  });
}

function reportJson(campaignId: string, { report, history, files, confirmed, redeemers }: Told): string {
  const told = (check: VerifyCheck) => toJson(VerifyCheckSchema, check, jsonOptions);
  const { live, readings, issued, total, checks } = report;
  const others = [...(history?.checks ?? []), ...(confirmed === undefined ? [] : [confirmed.check])];
  const ok = [...checks, ...others].every(
    ({ verdict, prevented }) => verdict !== CheckVerdict.VIOLATED && !prevented,
  );
  const shown = {
    ...{ campaignId, ok },
    stores: { live, readings, issued, total, checks: checks.map(told) },
    ...(history === undefined ? {} : { history: { files, ...history, checks: history.checks.map(told) } }),
    ...(confirmed === undefined
      ? {}
      : { confirmed: { files: redeemers, ...confirmed, check: told(confirmed.check) } }),
  };
  return `${JSON.stringify(shown)}\n`;
}
