import type { Pool } from "../pool/pool.ts";
import type { Rehearsals } from "../record/rehearsals.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { createSingleFlight } from "../runtime/single-flight.ts";

export type Removal =
  /** Nothing is left of it, or nothing was: it had been removed before. */
  | { readonly kind: "removed" }
  /** It is marked, so no query returns it any more. The next call, by any process, removes what is left. */
  | { readonly kind: "under-way" }
  /** The campaign is no rehearsal: nothing was changed. */
  | { readonly kind: "no-rehearsal" };

/** Works on the removal for about a second. Any number of calls may run at once, and again after a crash. */
export type RemoveRehearsal = (campaignId: string) => Promise<Removal>;

export type RemoveRehearsalDeps = {
  pool: Pick<Pool, "remove">;
  rehearsals: Rehearsals;
  clock: Clock;
  logger: Logger;
  /**
   * How long the rehearsal's own document stays after the mark, in ms: longer than an insert may take. A
   * process that writes something after the mark deletes it again; this wait is for inserts that a server had
   * sent before it was killed.
   */
  graceMs: number;
};

const GO_ON_FOR_MS = 1_000;

/**
 * The reverse of filling and loading. record/rehearsals.ts explains why nothing is left and nothing else is
 * touched.
 */
export function createRemoveRehearsal(deps: RemoveRehearsalDeps): RemoveRehearsal {
  const { pool, rehearsals, clock, graceMs } = deps;
  const logger = deps.logger.child({ component: "campaign" });
  const removals = createSingleFlight<Removal>();

  /** Pauses for as long as the last step took, so that the claims of other campaigns are not slowed down. */
  const rest = (workedMs: number) => sleep(clock, workedMs);

  async function attempt(campaignId: string): Promise<Removal> {
    const mark = await rehearsals.mark(campaignId);
    if (mark.kind === "no-rehearsal") return mark;
    if (mark.kind === "gone") return { kind: "removed" };
    // After the mark no process loads the pool, and without a pool nothing is claimed.
    await pool.remove(campaignId);
    const untilMs = clock.elapsed() + GO_ON_FOR_MS;
    for (;;) {
      const startedAtMs = clock.elapsed();
      const removed = await rehearsals.removeSome(campaignId);
      if (removed === 0) break;
      if (clock.elapsed() >= untilMs) return { kind: "under-way" };
      await rest(clock.elapsed() - startedAtMs);
    }
    if (mark.sinceMs < graceMs) return { kind: "under-way" };
    await rehearsals.forget(campaignId);
    logger.info(
      { campaign: campaignId, tookMs: mark.sinceMs },
      "a rehearsal is removed, with all its traces",
    );
    return { kind: "removed" };
  }

  return (campaignId) => removals.run(campaignId, () => attempt(campaignId));
}
