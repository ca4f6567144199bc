import { duration } from "../../campaign/preflight/line.ts";
import { changeEvents } from "./change-events.ts";
import { processEvents } from "./process-events.ts";
import type { Sight, WatchEvent } from "./sight.ts";

/** A start that passed longer ago than this without an opening raises an alarm. */
const LATE_START_MS = 2_000;

/** The events between two snapshots; for the first one, earlier events that still matter. Pure. */
export function eventsBetween(before: Sight | undefined, now: Sight): WatchEvent[] {
  const events = [
    ...changeEvents(before, now),
    ...preflightEvents(before, now),
    ...lateStartEvents(before, now),
    ...mongodbEvents(before, now),
    ...poolEvents(before, now),
    ...processEvents(before?.processes, now),
  ];
  return inOrder(events);
}

/** Sorted by time; events of the history stay in its order, because their instants are of two clocks. */
function inOrder(events: readonly WatchEvent[]): WatchEvent[] {
  let latestMs = Number.NEGATIVE_INFINITY;
  const placed = events.map((event) => {
    if (event.revision === undefined) return { event, atMs: event.atMs };
    latestMs = Math.max(latestMs, event.atMs);
    return { event, atMs: latestMs };
  });
  return placed.sort((a, b) => a.atMs - b.atMs).map(({ event }) => event);
}

function* lateStartEvents(before: Sight | undefined, now: Sight): Generator<WatchEvent> {
  const { atMs, state } = now;
  if (!startIsLate(now) || (before !== undefined && startIsLate(before))) return;
  const why =
    state === "GENERATING" ? "its codes are still being made" : "it opens with its first claim at the latest";
  yield { atMs, level: "alarm", kind: "state", text: `the start has passed and it is not open: ${why}` };
}

const startIsLate = ({ atMs, state, startsAtMs }: Sight): boolean =>
  (state === "SCHEDULED" || state === "GENERATING") && atMs - startsAtMs > LATE_START_MS;

function* mongodbEvents(before: Sight | undefined, { atMs, mongodb }: Sight): Generator<WatchEvent> {
  if (before === undefined || before.mongodb === mongodb) return;
  yield mongodb
    ? { atMs, level: "info", kind: "mongodb", text: "MongoDB answers again" }
    : {
        atMs,
        level: "alarm",
        kind: "mongodb",
        text: "MongoDB does not answer: what is shown is of before, and nothing is issued",
      };
}

function* poolEvents(before: Sight | undefined, now: Sight): Generator<WatchEvent> {
  const { atMs, pool } = now;
  if (pool === undefined) {
    if (before === undefined || before.pool !== undefined)
      yield { atMs, level: "alarm", kind: "redis", text: "Redis does not answer: nothing is issued" };
    return;
  }
  if (before === undefined) return;
  if (before.pool === undefined) {
    yield { atMs, level: "info", kind: "redis", text: "Redis answers again" };
    return;
  }
  const lost = pool.status === "none" || pool.status === "fenced";
  if (lost && before.pool.status === "ok")
    yield {
      atMs,
      level: "alarm",
      kind: "pool",
      text: `the scripts refuse the pool (${pool.status}): it is rebuilt`,
    };
  const { generation } = pool;
  // An operator's change raises the generation too, and has an event of its own.
  const isChanged = now.changes.length > 0 || before.changes.length > 0;
  if (
    pool.status === "ok" &&
    generation > before.pool.generation &&
    before.pool.generation > 0 &&
    !isChanged
  ) {
    const text = `the pool was made again or changed: generation ${before.pool.generation} → ${generation}`;
    yield { atMs, level: "warning", kind: "pool", text };
  }
}

function* preflightEvents(before: Sight | undefined, { preflights }: Sight): Generator<WatchEvent> {
  const told = new Set(before?.preflights.flatMap(({ _id, colour }) => (colour === undefined ? [] : [_id])));
  for (const { _id, at, startsAt, colour, lines = [] } of preflights.toReversed()) {
    if (colour === undefined || told.has(_id)) continue;
    const level = colour === "red" ? "alarm" : colour === "amber" ? "warning" : "info";
    const checks = lines.map((line) => `${line.colour} ${line.check}`).join(", ");
    const leftMs = Math.max(0, startsAt.getTime() - at.getTime());
    const text = `preflight ${duration(leftMs)} before the start: ${checks === "" ? "all green" : checks}`;
    yield { atMs: at.getTime(), level, kind: "preflight", text };
  }
}
