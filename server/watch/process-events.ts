import { nameOf, SILENT_AFTER_MS } from "../../campaign/preflight/check-processes.ts";
import type { SeenProcess } from "../../record/processes.ts";
import type { Sight, WatchEvent } from "./sight.ts";

/** A scheduler whose last round is older than this is late. */
const LATE_TICK_MS = 5_000;

const isSilent = ({ ageMs }: SeenProcess): boolean => ageMs >= SILENT_AFTER_MS;
/** By the age that the tick had at the last heartbeat: later ticks of a silent process are unknown. */
const isLate = ({ tickAgeMs = 0, ageMs }: SeenProcess): boolean => tickAgeMs - ageMs >= LATE_TICK_MS;

/**
 * False: all heartbeats are old, even that of the server that reads them. Then MongoDB takes no writes, and
 * nothing is known about the processes.
 */
export function tellsWhoLives(processes: readonly SeenProcess[]): boolean {
  return processes.length === 0 || !processes.every(isSilent);
}

/** Processes that came, left, fell silent or raised an alarm. `before` undefined: at the first snapshot. */
export function* processEvents(
  before: readonly SeenProcess[] | undefined,
  { atMs, processes }: Pick<Sight, "atMs" | "processes">,
): Generator<WatchEvent> {
  if (processes === undefined || !tellsWhoLives(processes)) return;
  const known = new Map(before?.map((one) => [one._id, one]));
  for (const one of processes) {
    const was = known.get(one._id);
    known.delete(one._id);
    yield* eventsOf(one, was, before === undefined, atMs);
  }
  for (const one of known.values()) {
    // A process that was silent for a minute is no longer listed: it did not deregister.
    if (isSilent(one)) continue;
    yield { atMs, level: "warning", kind: "process", text: `${fullName(one)} has left` };
  }
}

const fullName = (one: SeenProcess): string => `${nameOf(one)} (${one.roles.join(", ")})`;

function* eventsOf(
  one: SeenProcess,
  was: SeenProcess | undefined,
  isFirstLook: boolean,
  atMs: number,
): Generator<WatchEvent> {
  const event = (level: WatchEvent["level"], kind: WatchEvent["kind"], text: string): WatchEvent => ({
    ...{ atMs, level, kind },
    text,
  });
  const name = fullName(one);
  if (isSilent(one)) {
    if (was === undefined || !isSilent(was)) yield event("alarm", "process", `${name} is silent`);
    return;
  }
  if (was === undefined && !isFirstLook) yield event("info", "process", `${name} has joined`);
  if (was !== undefined && isSilent(was)) yield event("info", "process", `${name} sends heartbeats again`);
  if (isLate(one) && (was === undefined || !isLate(was)))
    yield event("warning", "scheduler", `the scheduler of ${nameOf(one)} is late`);
  for (const [kind, count] of Object.entries(one.alarms)) {
    const more = count - (was?.alarms[kind] ?? (isFirstLook ? count : 0));
    if (more > 0) yield event("alarm", "alarm", `${kind} on ${nameOf(one)}: ${more} more, ${count} in all`);
  }
}
