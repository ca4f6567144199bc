import type { EventEntry, LogHead } from "../record/event-documents.ts";
import type { Wanted } from "./log-reader.ts";

/** Where a reader is in a log, as far as counting needs it. */
export type PlaceInLog = {
  /** After the entry before its place; undefined: it is at the beginning. */
  readonly before: Pick<LogHead, "revision" | "issued"> | undefined;
  /** Of the entry at its place; undefined: the log ends before it. */
  readonly kind: EventEntry["kind"] | undefined;
  /** How many events of that entry are behind it. */
  readonly index: number;
};

const START = { revision: -1, issued: 0 } as const;

/**
 * How many events of a campaign a reader has not got, as far as they can be told apart without reading them:
 * changes count where it wants any kind of change. A log has each revision and each coupon once, so their
 * numbers count them.
 */
export function waitingOf(
  { revision, issued }: { readonly revision: number; readonly issued: number },
  { before = START, kind, index }: PlaceInLog,
  { types }: Pick<Wanted, "types">,
): number {
  const changes = revision - before.revision - (kind === "changes" ? index : 0);
  const coupons = issued - before.issued - (kind === "issued" || kind === "late" ? index : 0);
  const wantsChanges = types === undefined || types.some((type) => type.startsWith("campaign."));
  const wantsCoupons = types === undefined || types.includes("coupon.issued");
  return Math.max(0, wantsChanges ? changes : 0) + Math.max(0, wantsCoupons ? coupons : 0);
}
