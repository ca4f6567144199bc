import type { Restore } from "../campaign/restore.ts";
import { HELD_AGAIN_MS, type TopUpDeps, topUpPool } from "../campaign/top-up.ts";
import type { Advance } from "../pool/answers.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { inSpan, NO_TRACER, type SpanFacts, type Tracer } from "../runtime/tracer.ts";
import type { Background } from "./background.ts";
import type { Action } from "./decide.ts";
import type { InstantTimers } from "./instant-timer.ts";
import type { RecordSteps } from "./record-steps.ts";

export type ActionsDeps = TopUpDeps & {
  readonly pool: Pool;
  readonly campaigns: Campaigns;
  readonly restore: Restore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
  readonly record: RecordSteps;
  readonly timers: InstantTimers;
  readonly background: Background;
  /** True: the scheduler is stopping, and no campaign is armed any more. */
  readonly isStopped: () => boolean;
};

/**
 * Carries out the actions that `decide` returns. The store guards each one, so that of several schedulers
 * only one makes it.
 */
export function createActions(deps: ActionsDeps) {
  const { pool, campaigns, restore, clock, logger, metrics, record, timers, background, isStopped } = deps;
  const { tracer = NO_TRACER } = deps;
  const toppingUp = new Set<string>();

  async function advance(campaign: CampaignDoc): Promise<void> {
    if (isStopped()) return;
    const span = tracer.beginRare(campaign.state === "SCHEDULED" ? "arm" : "end", campaign._id);
    const result = await inSpan(
      span,
      () => pool.advance(campaign._id, clock.now(), campaign.loadedGeneration),
      (made) => factsOf(campaign, made),
    );
    if (result.kind === "frozen") {
      // The change that holds the pool ends within milliseconds; if its process has crashed, the next tick
      // repairs the pool.
      logger.info({ campaign: campaign._id }, "a change is being decided: looking again");
      timers.aim(campaign._id, clock.now() + HELD_AGAIN_MS, () =>
        background.run("arming", campaign._id, () => advance(campaign)),
      );
      return;
    }
    if (result.kind !== "ok") {
      // A rehearsal may have been removed since the timer was set.
      if ((await restore(campaign._id)) === "gone") return;
      logger.warn(
        { campaign: campaign._id, pool: result.kind },
        "could not arm: the pool had to be loaded first",
      );
      return;
    }
    if (result.state === "staged") {
      const { waitMs } = result;
      logger.info({ campaign: campaign._id, waitMs }, `not yet: ${waitMs} ms to go by the clock of Redis`);
      timers.aim(campaign._id, clock.now() + waitMs, () =>
        background.run("arming", campaign._id, () => advance(campaign)),
      );
      return;
    }
    if (result.changed === "opened") await logOpened(campaign, result);
    if (result.changed === "ended")
      logger.info({ campaign: campaign._id }, "ended: nothing new is issued from now on");
    if (campaign.state === "SCHEDULED" && result.armedAtMs > 0)
      await record.recordOpen(campaign, result.armedAtMs);
  }

  async function logOpened(campaign: CampaignDoc, opened: Extract<Advance, { kind: "ok" }>): Promise<void> {
    const lateMs = opened.armedAtMs - campaign.startsAt.getTime();
    metrics.armLatenessSeconds.observe(lateMs / 1_000);
    logger.info(
      { campaign: campaign._id, name: campaign.name, lateMs },
      `armed ${lateMs} ms after its instant`,
    );
  }

  async function topUp({ _id: id, total }: CampaignDoc): Promise<void> {
    if (toppingUp.has(id)) return;
    toppingUp.add(id);
    try {
      const outcome = await topUpPool(deps, id);
      if (outcome === "topped") logger.info({ campaign: id, total }, "the added coupons are in the pool");
    } finally {
      toppingUp.delete(id);
    }
  }

  async function act(campaign: CampaignDoc, action: Action): Promise<void> {
    const id = campaign._id;
    switch (action.kind) {
      case "aim": {
        const fire = () => background.run("arming", id, () => advance(campaign));
        if (timers.aim(id, action.atMs, fire)) {
          const inMs = action.atMs - clock.now();
          logger.info(
            { campaign: id, name: campaign.name, inMs },
            `aiming at its ${action.at} in ${(inMs / 1_000).toFixed(1)} s`,
          );
        }
        return;
      }
      case "advance":
        return advance(campaign);
      case "repair": {
        if (action.why !== "frozen") {
          logger.warn(
            { campaign: id, pool: action.why },
            "the pool does not answer here: loading it from MongoDB",
          );
        }
        const outcome = await restore(id);
        // A change that is still under way ends its own freeze.
        if (action.why !== "frozen" || outcome !== "busy")
          logger.info({ campaign: id, pool: action.why, outcome }, "repair done");
        return;
      }
      case "top-up":
        return topUp(campaign);
      case "give-up":
        return distrust(campaign, action.generation, action.why);
      case "contradiction": {
        const standing = await campaigns.find(id);
        // The campaign has changed since it was read, so it cannot be compared with the pool. The next round
        // reads both again.
        if (standing?.generation !== campaign.generation || standing.revision !== campaign.revision) return;
        return distrust(campaign, action.generation, { recorded: campaign.generation });
      }
      case "record-open":
        return record.recordOpen(campaign, action.openedAtMs);
      case "record-sold-out": {
        const differing = await record.recordSoldOut(campaign);
        if (differing !== undefined)
          await distrust(campaign, action.generation, { ...differing, total: campaign.total });
        return;
      }
      case "record-ended":
        return record.recordEnded(campaign, ["OPEN", "PAUSED"]);
      case "record-at-rest":
        await campaigns.atRest(id);
        logger.info({ campaign: id, state: campaign.state }, "the campaign is at rest: nothing is under way");
        return;
      default:
        return action satisfies never;
    }
  }

  /**
   * Gives up a pool that does not agree with MongoDB, and rebuilds it: MongoDB is right.
   */
  async function distrust(
    campaign: CampaignDoc,
    generation: number,
    numbers: Readonly<Record<string, number>>,
  ): Promise<void> {
    const outcome = await pool.distrust(campaign._id, generation);
    metrics.alarms.inc({ kind: "books_differ" });
    const words = "the pool does not agree with MongoDB: it is made again from there";
    logger.error({ campaign: campaign._id, generation, ...numbers, outcome }, words);
    await restore(campaign._id);
  }

  return { act, distrust };
}

function factsOf({ startsAt }: CampaignDoc, made: Advance): SpanFacts {
  if (made.kind !== "ok") return { outcome: made.kind };
  if (made.changed !== "opened") return { outcome: made.changed === "" ? made.state : made.changed };
  return { outcome: made.changed, lateMs: made.armedAtMs - startsAt.getTime() };
}
