import type { Processes, SeenProcess } from "../../record/processes.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createSharedLook } from "../../runtime/shared-look.ts";

/** The processes by their heartbeats, read once for all onlookers. undefined: MongoDB does not answer. */
export type ProcessLook = () => Promise<readonly SeenProcess[] | undefined>;

const FRESH_MS = 250;
/** Processes whose last heartbeat is at most this old are listed, those that are silent now too. */
export const HEARD_WITHIN_MS = 60_000;

export function createProcessLook(processes: Pick<Processes, "seen">, clock: Clock): ProcessLook {
  const ask = () => processes.seen(HEARD_WITHIN_MS).catch(() => undefined);
  const look = createSharedLook<readonly SeenProcess[] | undefined>(ask, FRESH_MS, clock);
  return () => look("");
}
