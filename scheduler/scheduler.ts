import type { Restore } from "../campaign/restore.ts";
import { topUpPool } from "../campaign/top-up.ts";
import type { Advance, Inspection, Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import type { CampaignDoc, RecordedState } from "../record/documents.ts";
import type { History } from "../record/history.ts";
import type { Issuances } from "../record/issuances.ts";
import { livePages } from "../record/live-campaigns.ts";
import type { OwnStep } from "../record/steps.ts";
import type { Clock } from "../runtime/clock.ts";
import { counted } from "../runtime/counting.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { compareBooks, createBooksWatch } from "./books.ts";
import { type Action, decide } from "./decide.ts";
import { createInstantTimers } from "./instant-timer.ts";
import { createTick } from "./tick.ts";

export type SchedulerDeps = {
  pool: Pool;
  campaigns: Campaigns;
  coupons: Coupons;
  history: History;
  issuances: Issuances;
  restore: Restore;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
};

export type Scheduler = {
  /** Starts the one-second reconcile tick and does one round at once. */
  start(): void;
  /** One reconcile round; the tick calls this. Rejects when the stores cannot be asked at all. */
  reconcile(): Promise<void>;
  /** Since a round was last completed, by a clock that nobody can set; undefined: none was yet. */
  sinceTickMs(): number | undefined;
  stop(): Promise<void>;
};

/** Sold out campaigns that are ended in one round; the next round goes on. */
const SOLD_OUT_PAGE = 100;
/** While a change holds the pool, in ms. */
const HELD_AGAIN_MS = 25;

/**
 * Arms what is due and repairs what is missing. Any number may run: each step is guarded in the store, one wins and the others
 * see that it is done. node-cron is only the tick; an absolute timer aims at each instant, and the script decides.
 */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { pool, campaigns, history, issuances, restore, clock, metrics } = deps;
  const logger = deps.logger.child({ room: "scheduler" });
  const timers = createInstantTimers(clock);
  const books = createBooksWatch();
  const working = new Set<Promise<void>>();
  const toppingUp = new Set<string>();
  let stopped = false;
  let trouble = false;
  let tickedAtMs: number | undefined;

  /** Runs work that nobody waits for, so that stop can. */
  function inBackground(what: string, campaignId: string, work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) =>
        logger.warn({ campaign: campaignId, err: error }, `${what} failed; the next tick tries again`),
      )
      .finally(() => working.delete(running));
    working.add(running);
  }

  async function advance(campaign: CampaignDoc): Promise<void> {
    if (stopped) return;
    const result = await pool.advance(campaign._id, clock.now(), campaign.loadedGeneration);
    if (result.kind === "held") {
      // The change that holds it ends that within milliseconds, or the next tick does.
      logger.info({ campaign: campaign._id }, "a change is being decided: looking again");
      timers.aim(campaign._id, clock.now() + HELD_AGAIN_MS, () =>
        inBackground("arming", campaign._id, () => advance(campaign)),
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
      logger.info({ campaign: campaign._id, waitMs }, `not yet: the clock of Redis says ${waitMs} ms to go`);
      timers.aim(campaign._id, clock.now() + waitMs, () =>
        inBackground("arming", campaign._id, () => advance(campaign)),
      );
      return;
    }
    if (result.changed === "opened") await logOpened(campaign, result);
    if (result.changed === "ended")
      logger.info({ campaign: campaign._id }, "ended: nothing new is issued from now on");
    if (campaign.state === "SCHEDULED" && result.armedAtMs > 0) await recordOpen(campaign, result.armedAtMs);
  }

  async function logOpened(campaign: CampaignDoc, opened: Extract<Advance, { kind: "ok" }>): Promise<void> {
    const lateMs = opened.armedAtMs - campaign.startsAt.getTime();
    metrics.armLatenessSeconds.observe(lateMs / 1_000);
    logger.info(
      { campaign: campaign._id, name: campaign.name, lateMs },
      `armed ${lateMs} ms after its instant`,
    );
  }

  async function recordOpen(campaign: CampaignDoc, openedAtMs: number): Promise<void> {
    const openedAt = new Date(openedAtMs);
    if (await step(campaign._id, ["SCHEDULED"], "OPEN", { by: "scheduler", verb: "open", openedAt })) {
      const lateMs = openedAtMs - campaign.startsAt.getTime();
      logger.info({ campaign: campaign._id, lateMs }, "open, and recorded as such");
    }
  }

  /** A step of the record, and its entry in the history. */
  async function step(
    id: string,
    from: readonly RecordedState[],
    to: RecordedState,
    own: OwnStep,
  ): Promise<boolean> {
    const made = await campaigns.advance(id, from, to, own);
    if (made) await history.flush(id);
    return made;
  }

  /**
   * Only with the coupons that it was seen with: codes that were added in between count, and come into the pool before. An addition
   * whose codes do not count yet is dropped.
   */
  async function recordEnded(campaign: CampaignDoc, from: readonly RecordedState[]): Promise<void> {
    const { _id: id, total, endsAt } = campaign;
    const own = { by: "scheduler", verb: "end", total, ...(endsAt === undefined ? {} : { endsAt }) } as const;
    if (await step(id, from, "ENDED", own)) logger.info({ campaign: id }, "ended, and recorded as such");
  }

  /** All of it was issued before its end came: the pool ends as any other, then it is written down. */
  async function endSoldOut(campaign: CampaignDoc): Promise<void> {
    const pooled = await pool.advance(campaign._id, clock.now(), campaign.loadedGeneration);
    if (pooled.kind === "none" || pooled.kind === "fenced")
      return inBackground("repair", campaign._id, async () => void (await restore(campaign._id)));
    // Held: a change is being decided. Not ended: it is not time yet on the clock of Redis. The next round sees.
    if (pooled.kind === "ok" && pooled.state === "ended") await recordEnded(campaign, ["SOLD_OUT"]);
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
        const fire = () => inBackground("arming", id, () => advance(campaign));
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
        if (action.why !== "held") {
          logger.warn(
            { campaign: id, pool: action.why },
            "the pool does not answer here: loading it from MongoDB",
          );
        }
        const outcome = await restore(id);
        // A change that is under way ends its hold by itself.
        if (action.why !== "held" || outcome !== "busy")
          logger.info({ campaign: id, pool: action.why, outcome }, "repair done");
        return;
      }
      case "top-up":
        return topUp(campaign);
      case "give-up":
        return distrust(campaign, action.generation, action.why);
      case "contradiction": {
        const standing = await campaigns.find(id);
        // Changed since: what was read before and what the pool was then do not belong together. The next round sees both anew.
        if (standing?.generation !== campaign.generation || standing.revision !== campaign.revision) return;
        return distrust(campaign, action.generation, { recorded: campaign.generation });
      }
      case "record-open":
        return recordOpen(campaign, action.openedAtMs);
      case "record-sold-out": {
        const issued = await issuances.count(id);
        if (issued !== campaign.total) {
          // More were added, and taken, since the campaign was read.
          if ((await campaigns.find(id))?.total !== campaign.total) return;
          await distrust(campaign, action.generation, { issued, total: campaign.total });
          return;
        }
        const own = { by: "scheduler", verb: "sell-out", total: campaign.total } as const;
        if (await step(id, ["OPEN"], "SOLD_OUT", own)) {
          logger.info(
            { campaign: id, issued },
            `sold out: ${counted(issued, "coupon")}, each with a durable issuance`,
          );
        }
        return;
      }
      case "record-ended":
        return recordEnded(campaign, ["OPEN", "PAUSED"]);
      case "record-settled":
        await campaigns.settled(id);
        logger.info({ campaign: id, state: campaign.state }, "nothing is under way any more: settled");
        return;
      default:
        return action satisfies never;
    }
  }

  /** The pool and MongoDB do not agree although nothing is under way: MongoDB is right, the pool is made again. */
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

  async function checkBooks(campaign: CampaignDoc, before: Inspection): Promise<void> {
    const issued = await issuances.count(campaign._id);
    const after = await pool.inspect(campaign._id);
    const verdict = compareBooks(campaign.total, issued, before, after);
    if (verdict === "busy") return;
    books.done(campaign._id, before.generation);
    if (verdict === "differ")
      await distrust(campaign, before.generation, { issued, claims: after.claims, total: campaign.total });
  }

  async function look(campaign: CampaignDoc): Promise<void> {
    const seen = await pool.inspect(campaign._id);
    const actions = decide(clock.now(), campaign, seen);
    if (campaign.outbox !== undefined && campaign.outbox.length > 0)
      inBackground("writing the history", campaign._id, () => history.flush(campaign._id));
    if (books.due(campaign._id, seen, clock.now())) {
      inBackground("comparing the books", campaign._id, () => checkBooks(campaign, seen));
    }
    for (const action of actions) {
      // These can take seconds: the tick does not wait for them.
      if (["repair", "give-up", "contradiction", "top-up"].includes(action.kind))
        inBackground(action.kind, campaign._id, () => act(campaign, action));
      else await act(campaign, action);
    }
  }

  async function reconcile(): Promise<void> {
    let failure: PromiseRejectedResult | undefined;
    for await (const page of livePages(campaigns)) {
      const looked = await Promise.allSettled(page.map(look));
      failure ??= looked.find((result) => result.status === "rejected");
    }
    const soldOut = await campaigns.soldOutAndOver(new Date(clock.now()), SOLD_OUT_PAGE);
    for (const result of await Promise.allSettled(soldOut.map(endSoldOut)))
      if (result.status === "rejected") failure ??= result;
    if (failure !== undefined) throw failure.reason;
  }

  async function tick(): Promise<void> {
    try {
      await reconcile();
      tickedAtMs = clock.elapsed();
      if (trouble) logger.info("the stores answer again");
      trouble = false;
    } catch (error) {
      if (!trouble) logger.warn({ err: error }, "a round failed; every tick tries again");
      trouble = true;
    }
  }

  const ticking = createTick(clock, logger, tick);

  return {
    start: ticking.start,
    reconcile,
    sinceTickMs: () => (tickedAtMs === undefined ? undefined : clock.elapsed() - tickedAtMs),
    async stop() {
      stopped = true;
      timers.clear();
      await ticking.stop();
      await Promise.allSettled([...working]);
    },
  };
}
