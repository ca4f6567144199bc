import type { Change } from "./changes.ts";
import type { LoggedHead } from "./event-log.ts";
import type { Findings } from "./verdict.ts";

/** Revisions of the history as an entry of the event log has them. */
export type LoggedChanges = {
  readonly n: number;
  readonly from: number;
  readonly to: number;
  /** The coupons of the campaign after the last of them, as the entry says. */
  readonly total: number;
  /** How many coupons the log has before it, and how many of those are late ones. */
  readonly issued: number;
  readonly late: number;
};

type End = Pick<LoggedHead, "revision" | "issued"> & { readonly late: number };

/**
 * Compares the entries of changes with the history: each revision up to the log's head once and in order, and
 * where the campaign's logic wants it among the coupons. `changes`: read after the log.
 */
export function judgeLoggedChanges(
  entries: readonly LoggedChanges[],
  end: End,
  changes: readonly Change[],
  findings: Findings,
): void {
  const byRevision = new Map(changes.map((change) => [change.revision, change]));
  const revisions = [...byRevision.keys()].sort((a, b) => a - b);
  let next = 0;

  function lack(below: number): void {
    for (let due = revisions[next]; due !== undefined && due < below; due = revisions[++next])
      findings.violation(
        "change not logged",
        `the change to revision ${due}`,
        " is on record and not in the event log, which has come further: no receiver hears of it; tell them, or let them read the campaign",
      );
  }

  for (const entry of entries) {
    const { n, from, to } = entry;
    lack(from);
    if (from < (revisions[next] ?? Number.POSITIVE_INFINITY) && byRevision.has(from))
      findings.violation(
        "change logged twice",
        `the change to revision ${from}`,
        ` is in the event log once more, in entry ${n}: receivers get it under two ids and can tell by its revision`,
      );
    let known = from - 1;
    for (let at = revisions.indexOf(from); at >= 0 && revisions[at] === known + 1 && known < to; at += 1) {
      known += 1;
      next = Math.max(next, at + 1);
      judgeMoment(byRevision.get(known), entry, end, findings);
    }
    if (known < to)
      findings.violation(
        "change not on record",
        `entry ${n} of the event log`,
        ` names the change to revision ${known + 1}, which the history lacks: readers wait there; restore it from a backup`,
      );
    const { total } = byRevision.get(to)?.after ?? {};
    if (total !== undefined && total !== entry.total)
      findings.violation(
        "total",
        `entry ${n} of the event log`,
        ` says that the campaign has ${entry.total} coupons, and the history ${total}: stocks in later events are wrong; receivers have to ask for the campaign`,
      );
  }
  lack(end.revision + 1);
}

/** Whether a change has its place among the coupons. A late coupon may come after everything. */
function judgeMoment(change: Change | undefined, entry: LoggedChanges, end: End, findings: Findings): void {
  const { verb, revision, after } = change ?? {};
  const { n, issued, late } = entry;
  const told = (kind: string, what: string) =>
    findings.violation(
      kind,
      `the change to revision ${revision} (${verb})`,
      ` is in entry ${n} of the event log ${what}: receivers have to go by the time of the events`,
    );
  const lateAfter = end.late - late;
  if (verb === "open" && issued > 0) told("opened late", `after ${issued} coupons`);
  if (verb === "sell-out" && after !== undefined && issued + lateAfter < after.total)
    told("sold out early", `after ${issued} of ${after.total} coupons`);
  if ((verb === "end" || verb === "cancel") && end.issued - issued - lateAfter > 0)
    told("over early", `before ${end.issued - issued - lateAfter} coupons that are not late`);
}
