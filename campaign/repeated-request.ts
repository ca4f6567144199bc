import { isDeepStrictEqual } from "node:util";
import type { Asked, HistoryDoc } from "../record/documents.ts";
import type { Change } from "./judge-change.ts";

/** The fields of a request, as its entry in the history keeps them. */
export function askedOf(change: Change): Asked {
  const { verb: _, ...fields } = change;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Completes the message "it was used before for …". */
const OTHER_FIELD: Readonly<Record<keyof Asked, string>> = {
  count: "an addition of another count",
  startsAtMs: "another start",
  endsAtMs: "another end",
  name: "another name",
  metadata: "other metadata",
  forgetUsersAfterDays: "another number of days after which users are erased",
};

/** What a request id was used for before; undefined: for this same change. */
export function usedFor(earlier: HistoryDoc, change: Change): string | undefined {
  const { verb, asked = askedBefore(earlier, change) } = earlier;
  if (verb !== change.verb) return `another change (${verb})`;
  const now = askedOf(change);
  for (const field of Object.keys(OTHER_FIELD) as (keyof Asked)[])
    if (!isDeepStrictEqual(asked[field], now[field])) return OTHER_FIELD[field];
  return undefined;
}

/**
 * For an entry of an earlier version, which kept no fields of the request: they are derived from its effect,
 * and assumed to be equal where the effect does not show them.
 */
function askedBefore({ before, after }: HistoryDoc, change: Change): Asked {
  const now = askedOf(change);
  if (change.verb === "add") return { count: (after.adding ?? 0) - (before?.adding ?? 0) };
  if (change.verb === "reschedule") return { ...now, startsAtMs: after.startsAt.getTime() };
  return now;
}
