import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";

/** Notes that a call was refused to a source. `facts`: no part of a credential. */
export type NoteRefusal = (source: string, why: string, facts?: Readonly<Record<string, string>>) => void;

const INTERVAL_MS = 60_000;
/** Bounds the log: a flood from more sources is told by the number of the refusals that have no line. */
const LINES_MAX = 100;

/** One line for each source in a minute: a flood must leave a trace and not fill the disk. */
export function createRefusalLog(logger: Logger, clock: Pick<Clock, "elapsed">): NoteRefusal {
  let told = new Set<string>();
  let endsAtMs = Number.NEGATIVE_INFINITY;
  let untold = 0;

  return (source, why, facts = {}) => {
    const nowMs = clock.elapsed();
    if (nowMs >= endsAtMs) {
      told = new Set();
      endsAtMs = nowMs + INTERVAL_MS;
    }
    if (told.has(source) || told.size >= LINES_MAX) {
      untold += 1;
      return;
    }
    told.add(source);
    const line = { component: "access", source, why, ...facts };
    logger.warn(untold > 0 ? { ...line, untold } : line, "an operators' call was refused");
    untold = 0;
  };
}
