import type { RemoveRehearsal } from "../campaign/remove-rehearsal.ts";
import type { Rehearsals } from "../record/rehearsals.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import { createTick } from "./tick.ts";

export type RehearsalWatchDeps = {
  rehearsals: Pick<Rehearsals, "due">;
  removeRehearsal: RemoveRehearsal;
  clock: Clock;
  logger: Logger;
};

/**
 * Removes rehearsals that have expired, and finishes removals that another process began and did not finish:
 * so a command that was killed leaves nothing behind.
 */
export type RehearsalWatch = {
  start(): void;
  /** One look; the tick calls this. */
  look(): Promise<void>;
  stop(): Promise<void>;
};

const AT_ONCE = 4;

export function createRehearsalWatch(deps: RehearsalWatchDeps): RehearsalWatch {
  const { rehearsals, removeRehearsal, clock } = deps;
  const logger = deps.logger.child({ component: "scheduler" });

  async function look(): Promise<void> {
    await Promise.all((await rehearsals.due(AT_ONCE)).map(removeRehearsal));
  }

  const round = troubleOnce(look, {
    failed: (error) =>
      logger.warn({ err: error }, "rehearsals that are over could not be removed; every tick tries again"),
  });

  const ticking = createTick(clock, logger, round);
  return { start: ticking.start, look, stop: ticking.stop };
}
