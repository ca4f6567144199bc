import type { Pool } from "../pool/pool.ts";
import type { Rehearsals } from "../record/rehearsals.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { createSingleFlight } from "../runtime/single-flight.ts";

export type Removal =
  /** Nothing is left of it; nothing was, if it had gone before. */
  | { readonly kind: "removed" }
  /** Nobody finds it any more. What is left goes when this is called again, by anybody. */
  | { readonly kind: "under-way" }
  /** A campaign that is no rehearsal: it stands as it did. */
  | { readonly kind: "no-rehearsal" };

/** Goes on with the removal for about a second; any number may do so at once, and again after a crash. */
export type RemoveRehearsal = (campaignId: string) => Promise<Removal>;

export type RemoveRehearsalDeps = {
  pool: Pick<Pool, "remove">;
  rehearsals: Rehearsals;
  clock: Clock;
  logger: Logger;
  /**
   * For so long after nobody finds it any more its own document stays, in ms: longer than an insert may take.
   * Who writes takes back what came too late; this is for what a server had sent when it was killed.
   */
  settleMs: number;
};

const GO_ON_FOR_MS = 1_000;

/**
 * The reverse of filling and loading. See record/rehearsals.ts for why nothing is left and nothing else is
 * touched.
 */
export function createRemoveRehearsal(deps: RemoveRehearsalDeps): RemoveRehearsal {
  const { pool, rehearsals, clock, settleMs } = deps;
  const logger = deps.logger.child({ component: "campaign" });
  const removals = createSingleFlight<Removal>();

  /** As long as the work before took: the claims of others come first. */
  const rest = (workedMs: number) => sleep(clock, workedMs);

  async function attempt(campaignId: string): Promise<Removal> {
    const mark = await rehearsals.mark(campaignId);
    if (mark.kind === "no-rehearsal") return mark;
    if (mark.kind === "gone") return { kind: "removed" };
    // From the mark on no pool is loaded; without one nothing is claimed.
    await pool.remove(campaignId);
    const untilMs = clock.elapsed() + GO_ON_FOR_MS;
    for (;;) {
      const startedAtMs = clock.elapsed();
      const removed = await rehearsals.removeSome(campaignId);
      if (removed === 0) break;
      if (clock.elapsed() >= untilMs) return { kind: "under-way" };
      await rest(clock.elapsed() - startedAtMs);
    }
    if (mark.sinceMs < settleMs) return { kind: "under-way" };
    await rehearsals.forget(campaignId);
    logger.info(
      { campaign: campaignId, tookMs: mark.sinceMs },
      "a rehearsal is removed, with all its traces",
    );
    return { kind: "removed" };
  }

  return (campaignId) => removals.run(campaignId, () => attempt(campaignId));
}
