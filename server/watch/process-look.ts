import type { Processes, SeenProcess } from "../../record/processes.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createSharedLook } from "../../runtime/shared-look.ts";

/** Who is there, for any number of onlookers. undefined: MongoDB does not answer. */
export type ProcessLook = () => Promise<readonly SeenProcess[] | undefined>;

const FRESH_MS = 250;
/** Who was heard of within this is told, be it that it is silent now. */
export const HEARD_WITHIN_MS = 60_000;

export function createProcessLook(processes: Pick<Processes, "seen">, clock: Clock): ProcessLook {
  const ask = () => processes.seen(HEARD_WITHIN_MS).catch(() => undefined);
  const look = createSharedLook<readonly SeenProcess[] | undefined>(ask, FRESH_MS, clock);
  return () => look("");
}
