import type { SeenProcess } from "../../record/processes.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ProcessLook } from "./process-look.ts";

/**
 * Whether other processes answer callers, by their heartbeats: they share the stores, and often the machine.
 */
export type BusyElsewhere = () => Promise<boolean>;

/** Heartbeats come once a second. */
const LOOK_EVERY_MS = 1_000;
/** A process whose last heartbeat is this old is taken to answer no callers. */
const SILENT_AFTER_MS = 3_000;
/** Fewer answers a second of one process are no load to speak of. */
const BUSY_A_SECOND = 100;

type Reading = { readonly atMs: number; readonly answers: number };

/** `owner`: this process, which does not count; undefined: every process counts. */
export function createBusyElsewhere(
  look: ProcessLook,
  owner: string | undefined,
  clock: Pick<Clock, "elapsed">,
): BusyElsewhere {
  let last = new Map<string, Reading>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let busy = new Set<string>();

  function read(processes: readonly SeenProcess[]): void {
    const heard = new Map<string, Reading>();
    const found = new Set<string>();
    for (const process of processes) {
      if (process._id === owner || process.ageMs >= SILENT_AFTER_MS) continue;
      const now = { atMs: process.seenAt.getTime(), answers: answersOf(process) };
      const before = last.get(process._id);
      heard.set(process._id, now);
      if (before === undefined) continue;
      const seconds = (now.atMs - before.atMs) / 1_000;
      // The same heartbeat again tells nothing new.
      if (seconds <= 0 ? busy.has(process._id) : (now.answers - before.answers) / seconds >= BUSY_A_SECOND)
        found.add(process._id);
    }
    last = heard;
    busy = found;
  }

  return async () => {
    if (clock.elapsed() - lookedAtMs >= LOOK_EVERY_MS) {
      lookedAtMs = clock.elapsed();
      // Where MongoDB does not answer, the reading itself will fail.
      read((await look()) ?? []);
    }
    return busy.size > 0;
  };
}

function answersOf({ campaigns }: SeenProcess): number {
  let answers = 0;
  for (const { outcomes } of campaigns) for (const count of Object.values(outcomes)) answers += count;
  return answers;
}
