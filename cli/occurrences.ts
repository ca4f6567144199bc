import { createTask, type ScheduledTask, validateDetailed } from "node-cron";
import { UserError } from "./user-error.ts";
import { instantsOfWallTime } from "./wall-time.ts";
import { canonicalZone, rfc3339In } from "./zone.ts";

export interface Recurrence {
  /** Of cron, five fields, or six with seconds first; as node-cron reads it. */
  readonly expression: string;
  /** On whose clocks the expression is read. */
  readonly zone: string;
  /** After this instant. */
  readonly fromMs: number;
  /** Before or at this instant. */
  readonly untilMs: number;
}

export interface Occurrences {
  /** Ascending. `isDoubled`: the wall time comes twice that day, and this is the first of the two. */
  readonly starts: readonly { readonly epochMs: number; readonly isDoubled: boolean }[];
  /** Wall times that the clocks skip, as "2027-03-14 02:30": no campaign starts there. */
  readonly skipped: readonly string[];
  /** True: there are more than `most`. */
  readonly hasMore: boolean;
}

const DAY_MS = 86_400_000;
const HALF_DAY_MS = 43_200_000;
const SECOND_MS = 1_000;
/** The service takes no start that is further ahead. */
const SPAN_MAX_MS = 5 * 366 * DAY_MS;

const hint = 'give for example "0 10 * * *" (each day at 10:00) or "30 20 * * 5" (on Fridays at 20:30)';

/** The zone by its canonical name. @throws UserError */
export function zoneOf(name: string): string {
  const zone = canonicalZone(name);
  if (zone !== undefined) return zone;
  throw new UserError(`--zone: "${name}" is not a time zone name`, {
    hint: "use a name such as Asia/Seoul or America/New_York, or UTC",
  });
}

/**
 * The instants at which an expression of cron comes true, at most `most`. node-cron's parser reads the
 * expression, and its matcher decides about days and instants. A wall time that the clocks skip has no
 * instant; of one that comes twice, the first counts.
 * @throws UserError where the expression is none, or `untilMs` is more than five years ahead
 */
export function occurrencesOf({ expression, ...span }: Recurrence, most: number): Occurrences {
  const { fields, errors } = validateDetailed(expression);
  if (fields === undefined || expression.trim().startsWith("@"))
    throw new UserError(
      `--every: "${expression}" is not an expression of cron: ${errors[0]?.message ?? "it has no fields"}`,
      { hint },
    );
  if (span.untilMs - span.fromMs > SPAN_MAX_MS)
    throw new UserError("--until is more than five years ahead", {
      hint: "give an earlier one, and run again later",
    });
  // The days of the expression, at noon: a time that no clock skips.
  const days = `0 0 12 ${expression.trim().split(/\s+/).slice(-3).join(" ")}`;
  // Never started, only asked. node-cron keeps them in a list of its own until they are destroyed.
  const [whole, day] = [expression, days].map((pattern) =>
    createTask(pattern, () => undefined, { timezone: span.zone }),
  ) as [ScheduledTask, ScheduledTask];
  const asked = (task: ScheduledTask) => (epochMs: number) => task.match(new Date(epochMs));
  try {
    return search({ ...span, matches: asked(whole), matchesDay: asked(day) }, fields, most);
  } finally {
    for (const task of [whole, day]) void task.destroy();
  }
}

type Times = {
  readonly hour: readonly number[];
  readonly minute: readonly number[];
  readonly second: readonly number[];
};
type Search = Omit<Recurrence, "expression"> & {
  readonly matches: (epochMs: number) => boolean;
  readonly matchesDay: (epochMs: number) => boolean;
};

/** Day by day on the calendar of the zone. */
function search(
  { zone, fromMs, untilMs, matches, matchesDay }: Search,
  times: Times,
  most: number,
): Occurrences {
  const starts: { epochMs: number; isDoubled: boolean }[] = [];
  const skipped: string[] = [];
  const lastDayMs = dayOf(untilMs, zone);
  for (let dayMs = dayOf(fromMs, zone); dayMs <= lastDayMs; dayMs += DAY_MS) {
    const [noonMs] = instantsOfWallTime(dayMs + HALF_DAY_MS, zone);
    if (noonMs === undefined || !matchesDay(noonMs)) continue;
    for (const wallMs of wallTimesOf(dayMs, times)) {
      const [epochMs, again] = instantsOfWallTime(wallMs, zone);
      if (epochMs === undefined) skipped.push(new Date(wallMs).toISOString().slice(0, 19).replace("T", " "));
      else if (epochMs > fromMs && epochMs <= untilMs && matches(epochMs)) {
        if (starts.length === most) return { starts, skipped, hasMore: true };
        starts.push({ epochMs, isDoubled: again !== undefined });
      }
    }
  }
  return { starts, skipped, hasMore: false };
}

/** Midnight of the day that the zone's clocks show, as if it were UTC. */
function dayOf(epochMs: number, zone: string): number {
  return Date.parse(`${rfc3339In(epochMs, zone).slice(0, 10)}T00:00:00Z`);
}

/** Ascending, as if they were UTC. */
function* wallTimesOf(dayMs: number, { hour, minute, second }: Times): Generator<number> {
  const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
  for (const h of ascending(hour))
    for (const m of ascending(minute))
      for (const s of ascending(second)) yield dayMs + ((h * 60 + m) * 60 + s) * SECOND_MS;
}
