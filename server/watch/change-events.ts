import { grouped } from "../../preflight/line.ts";
import type { HistoryDoc, HistoryVerb } from "../../record/history.ts";
import type { Sight, WatchEvent } from "./sight.ts";

/** What the service does by itself shows as a change of state. */
const BY_ITSELF: readonly HistoryVerb[] = ["create", "schedule", "open", "sell-out"];
const STOPPING: readonly HistoryVerb[] = ["pause", "end", "cancel"];

/** Which changes are told, with who made them. */
export const isTold = ({ verb, actor }: HistoryDoc): boolean =>
  !BY_ITSELF.includes(verb) && !(verb === "end" && actor === "scheduler");

export function changeEvents({ changes }: Pick<Sight, "changes">): WatchEvent[] {
  return changes.filter(isTold).map((change) => ({
    atMs: change.at.getTime(),
    level: STOPPING.includes(change.verb) ? "warning" : "info",
    kind: "change",
    text: textOf(change),
  }));
}

function textOf({ actor, verb, before, after }: HistoryDoc): string {
  const who = actor === "" ? "somebody" : actor;
  const added = (after.adding ?? 0) - (before?.adding ?? 0);
  const ends = after.endsAt === undefined ? "no end" : `ends ${instant(after.endsAt)}`;
  const endMoved = before?.endsAt?.getTime() !== after.endsAt?.getTime();
  switch (verb) {
    case "pause":
      return `${who} paused it: nobody gets a coupon`;
    case "resume":
      return `${who} resumed it`;
    case "end":
      return `${who} ended it`;
    case "cancel":
      return `${who} cancelled it`;
    case "reschedule":
      return `${who} rescheduled it: opens ${instant(after.startsAt)}${endMoved ? `, ${ends}` : ""}`;
    case "add":
      return `${who} added ${grouped(added > 0 ? added : after.total - (before?.total ?? 0))} coupons`;
    case "added":
      return `the codes of the added coupons are made: ${grouped(after.total)} coupons in all`;
    case "edit": {
      const renamed = before?.name === after.name ? [] : [`name ${after.name}`];
      return `${who} edited it: ${[...renamed, ...(endMoved ? [ends] : [])].join(", ")}`;
    }
    default:
      return `${who}: ${verb}`;
  }
}

/** "2026-12-24T11:00:00Z": in UTC, since it is told to operators of any zone. */
function instant(at: Date): string {
  return at.toISOString().replace(".000Z", "Z");
}
