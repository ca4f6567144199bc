import type { HistoryDoc, HistoryVerb, RecordedState } from "../../record/documents.ts";
import { counted } from "../../runtime/counting.ts";
import type { Sight, WatchEvent } from "./sight.ts";

/** Changes by the service itself have no event of their own: the change of state is their event. */
const BY_ITSELF: readonly HistoryVerb[] = ["create", "schedule", "open", "sell-out"];
const STOPPING: readonly HistoryVerb[] = ["pause", "end", "cancel"];

/** Whether a change has an event of its own, which names its actor. */
export const isTold = ({ verb, actor }: HistoryDoc): boolean =>
  !BY_ITSELF.includes(verb) && !(verb === "end" && actor === "scheduler");

/**
 * The changes and the states that they led to, in the order of the revisions. They come from the history, not
 * from the two snapshots: between these a state may have come and gone. Only where the record changed without
 * an entry (by an earlier version) does the event come from the snapshots.
 */
export function* changeEvents(
  before: Pick<Sight, "recorded"> | undefined,
  now: Sight,
): Generator<WatchEvent> {
  let state = before?.recorded;
  for (const change of now.changes) {
    const { revision, before: from, after } = change;
    const atMs = (change.happenedAt ?? change.at).getTime();
    if (isTold(change)) {
      const level = STOPPING.includes(change.verb) ? "warning" : "info";
      yield { atMs, level, kind: "change", text: textOf(change), revision };
    }
    if (from !== undefined) {
      if (state !== undefined && state !== from.state) yield stateEvent(atMs, state, from.state);
      if (from.state !== after.state) yield { ...stateEvent(atMs, from.state, after.state), revision };
    }
    state = after.state;
  }
  if (state !== undefined && now.recorded !== undefined && state !== now.recorded)
    yield stateEvent(now.atMs, state, now.recorded);
}

function stateEvent(atMs: number, from: RecordedState, to: RecordedState): WatchEvent {
  const level = to === "CANCELLED" || to === "PAUSED" ? "warning" : "info";
  return { atMs, level, kind: "state", text: `${from} → ${to}`, states: { from, to } };
}

function textOf({ actor, verb, erased, before, after }: HistoryDoc): string {
  const who = actor === "" ? "somebody" : actor;
  const added = (after.adding ?? 0) - (before?.adding ?? 0);
  const ends = after.endsAt === undefined ? "no end" : `ends ${instant(after.endsAt)}`;
  const endMoved = before?.endsAt?.getTime() !== after.endsAt?.getTime();
  switch (verb) {
    case "pause":
      return `${who} paused it: no coupon is issued`;
    case "resume":
      return `${who} resumed it`;
    case "end":
      return `${who} ended it`;
    case "cancel":
      return `${who} cancelled it`;
    case "reschedule":
      return `${who} rescheduled it: opens ${instant(after.startsAt)}${endMoved ? `, ${ends}` : ""}`;
    case "add":
      return `${who} added ${counted(added > 0 ? added : after.total - (before?.total ?? 0), "coupon")}`;
    case "added":
      return `the codes of the added coupons are made: ${counted(after.total, "coupon")} in all`;
    case "erase":
      return `${who} erased users of ${counted(erased?.count ?? 0, "coupon")}`;
    case "edit": {
      const renamed = before?.name === after.name ? [] : [`name ${after.name}`];
      return `${who} edited it: ${[...renamed, ...(endMoved ? [ends] : [])].join(", ")}`;
    }
    default:
      return `${who}: ${verb}`;
  }
}

/** "2026-12-24T11:00:00Z": in UTC, since operators of any zone read it. */
function instant(at: Date): string {
  return at.toISOString().replace(".000Z", "Z");
}
