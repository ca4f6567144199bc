import { readingOf } from "../campaign/campaign-reading.ts";
import { createNewerCampaigns } from "../campaign/newer-campaigns.ts";
import type { Restore } from "../campaign/restore.ts";
import type { Inspection } from "../pool/answers.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { History } from "../record/history.ts";
import type { Issuances } from "../record/issuances.ts";
import { livePages } from "../record/live-campaigns.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Tracer } from "../runtime/tracer.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import { createActions } from "./actions.ts";
import { createBackground } from "./background.ts";
import { compareBooks, createBooksWatch } from "./books.ts";
import { decide } from "./decide.ts";
import { createInstantTimers } from "./instant-timer.ts";
import { createRecordSteps } from "./record-steps.ts";
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
  tracer?: Tracer;
  /** How long after a load an insert of an earlier generation may still become durable. */
  settleMs: number;
};

export type Scheduler = {
  /** Starts the one-second reconcile tick and does one round at once. */
  start(): void;
  /** One reconcile round; the tick calls this. Rejects if any campaign failed, after trying all of them. */
  reconcile(): Promise<void>;
  /** The time since the last completed round, by a monotonic clock; undefined: there was none yet. */
  sinceTickMs(): number | undefined;
  stop(): Promise<void>;
};

/** How many sold-out campaigns are ended in one round; the next round goes on. */
const SOLD_OUT_PAGE = 100;

/**
 * Arms campaigns at their start and repairs pools. Any number of schedulers may run: the store guards each
 * step, so that one makes it and the others find it done. node-cron is only the tick; a timer fires at each
 * instant, and advance.lua decides.
 */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { pool, campaigns, history, issuances, restore, clock, metrics } = deps;
  const logger = deps.logger.child({ component: "scheduler" });
  const leave = createNewerCampaigns(logger);
  const timers = createInstantTimers(clock);
  const books = createBooksWatch(deps.settleMs);
  const background = createBackground(logger);
  const record = createRecordSteps({ ...deps, logger });
  let stopped = false;
  let tickedAtMs: number | undefined;
  const parts = { record, timers, background, isStopped: () => stopped };
  const { act, distrust } = createActions({ ...deps, ...parts, logger });

  /** Ends a sold-out campaign: its pool ends as any other, then the end is recorded. */
  async function endSoldOut(campaign: CampaignDoc): Promise<void> {
    const pooled = await pool.advance(campaign._id, clock.now(), campaign.loadedGeneration);
    if (pooled.kind === "none" || pooled.kind === "fenced")
      return background.run("repair", campaign._id, async () => void (await restore(campaign._id)));
    // Held: a change is being decided. Not ended: the end has not come on the clock of Redis. The next round
    // tries again.
    if (pooled.kind === "ok" && pooled.state === "ended") await record.recordEnded(campaign, ["SOLD_OUT"]);
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
    metrics.campaigns.note(readingOf(campaign, seen, clock.now()));
    const actions = decide(clock.now(), campaign, seen);
    if (campaign.outbox !== undefined && campaign.outbox.length > 0)
      background.run("writing the history", campaign._id, () => history.flush(campaign._id));
    if (books.due(campaign._id, seen, clock.now())) {
      background.run("comparing the books", campaign._id, () => checkBooks(campaign, seen));
    }
    for (const action of actions) {
      // These actions can take seconds: the tick does not wait for them.
      if (["repair", "give-up", "contradiction", "top-up"].includes(action.kind))
        background.run(action.kind, campaign._id, () => act(campaign, action));
      else await act(campaign, action);
    }
  }

  async function reconcile(): Promise<void> {
    let failure: PromiseRejectedResult | undefined;
    for await (const page of livePages(campaigns, leave)) {
      const looked = await Promise.allSettled(page.map(look));
      failure ??= looked.find((result) => result.status === "rejected");
    }
    const soldOut = await campaigns.soldOutAndOver(new Date(clock.now()), SOLD_OUT_PAGE);
    for (const result of await Promise.allSettled(soldOut.map(endSoldOut)))
      if (result.status === "rejected") failure ??= result;
    if (failure !== undefined) throw failure.reason;
  }

  async function roundOfTick(): Promise<void> {
    await reconcile();
    tickedAtMs = clock.elapsed();
  }

  const tick = troubleOnce(roundOfTick, {
    failed: (error) => logger.warn({ err: error }, "a round failed; every tick tries again"),
    recovered: () => logger.info("the stores answer again"),
  });

  const ticking = createTick(clock, logger, tick);

  return {
    start: ticking.start,
    reconcile,
    sinceTickMs: () => (tickedAtMs === undefined ? undefined : clock.elapsed() - tickedAtMs),
    async stop() {
      stopped = true;
      timers.clear();
      await ticking.stop();
      await background.idle();
    },
  };
}
