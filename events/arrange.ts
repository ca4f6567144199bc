import type { HistoryDoc, HistoryVerb } from "../record/documents.ts";
import type { EventEntryBody, LogHead } from "../record/event-documents.ts";
import type { IssuedPlace } from "../record/issuances.ts";
import { appendPlace } from "./runs.ts";

/** What has happened to a campaign since the head of its log. */
export type News = {
  /** Changes after the head, oldest first. */
  readonly changes: readonly HistoryDoc[];
  /** Settled issuances after the head, in issue order. */
  readonly issued: readonly IssuedPlace[];
  /** There are no more settled issuances. */
  readonly isAll: boolean;
  /** No claim is under way either. */
  readonly isAtRest: boolean;
};

export type Arranged = EventEntryBody & { readonly head: LogHead };

/** Coupons in one entry at most. */
export const ENTRY_MAX = 1_000;

/** Nothing is issued after these until another change; claims that were made before may be under way. */
const CLOSING: readonly HistoryVerb[] = ["pause", "sell-out", "end", "cancel"];

/**
 * Puts changes and coupons into the order of the log. Changes keep their order, and so do coupons; what fixes
 * their places among each other is the campaign's own logic where there is one (it opens before its first
 * coupon, is sold out after its last, ends after all of them, coupons beyond a total come after their
 * addition), and time else. Times are of two clocks, that of MongoDB and that of Redis.
 */
export function arrange(head: LogHead, { changes, issued, isAll, isAtRest }: News): Arranged[] {
  const entries: Arranged[] = [];
  let now = head;
  let next = 0;

  function placeChange(change: HistoryDoc): void {
    const { revision, after } = change;
    const last = entries.at(-1);
    now = { ...now, revision, total: after.total };
    if (last?.kind === "changes" && last.to + 1 === revision)
      entries[entries.length - 1] = { ...last, to: revision, head: now };
    else entries.push({ kind: "changes", from: revision, to: revision, head: now });
  }

  function placeCoupon({ generation, seq }: IssuedPlace): void {
    now = { ...now, generation, seq, issued: now.issued + 1 };
    const last = entries.at(-1);
    if (last?.kind === "issued" && last.head.issued - countedBefore < ENTRY_MAX) {
      appendPlace(last.runs, { generation, seq });
      entries[entries.length - 1] = { ...last, head: now };
      return;
    }
    countedBefore = now.issued - 1;
    entries.push({ kind: "issued", runs: [{ generation, first: seq, last: seq }], head: now });
  }

  let countedBefore = head.issued;
  for (const coupon of issued) {
    const number = now.issued + 1;
    for (let change = changes[next]; change !== undefined; change = changes[++next]) {
      if (!precedes(changes.slice(next), number, coupon.issuedAt)) break;
      placeChange(change);
    }
    placeCoupon(coupon);
  }
  if (!isAll) return entries;
  for (const change of changes.slice(next)) {
    const isOpen = CLOSING.includes(change.verb) && !isAtRest;
    if (isOpen && !(change.verb === "sell-out" && now.issued >= change.after.total)) break;
    placeChange(change);
  }
  return entries;
}

/** Whether the first of these changes comes before the coupon with this number. */
function precedes([first, ...later]: readonly HistoryDoc[], number: number, issuedAt: Date): boolean {
  if (first === undefined || isEnd(first)) return false;
  if (first.verb === "sell-out") return number > first.after.total;
  if ((first.happenedAt ?? first.at) <= issuedAt) return true;
  for (const change of [first, ...later]) {
    if (isEnd(change)) return false;
    if (change.verb === "open") return true;
    if (change.verb === "added" && number > (change.before?.total ?? 0)) return true;
  }
  return false;
}

const isEnd = ({ verb }: HistoryDoc): boolean => verb === "end" || verb === "cancel";
