import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { WarmUpDoc, WarmUps } from "../../record/warm-ups.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { troubleOnce } from "../../runtime/trouble-once.ts";
import type { Measure, WarmUpReport } from "./warm-up.ts";

export type WarmUpWatchDeps = {
  campaigns: Pick<Campaigns, "startingBetween">;
  warmUps: Pick<WarmUps, "abandoned">;
  /** Runs one; it ends soon after `until` aborts. */
  warmUp: (campaign: CampaignDoc, measure: Measure, until: AbortSignal) => Promise<WarmUpReport>;
  removeShadow: (left: WarmUpDoc) => Promise<void>;
  /** Answers of IssueCoupon so far in this process. */
  answers: () => number;
  /** Whether calls to a store get no answer. */
  isStoreAway: () => boolean;
  clock: Clock;
  logger: Logger;
  metrics: Pick<Metrics, "warmUps">;
  /** From 0 to 1; which moment of the time before a start is this process's. */
  random?: () => number;
};

/** Warms the claim path up before each start. A failure of it is logged, and affects no sale. */
export type WarmUpWatch = {
  start(): void;
  /** One look. Rejects when MongoDB cannot be asked; never for a warm-up that failed. */
  look(): Promise<void>;
  /**
   * Cuts off the warm-up under way; resolves once its traces are removed, or after a second: what is left
   * then another process removes.
   */
  stop(): Promise<void>;
};

/** A process begins between so long before the start and half of it, in ms, so that not all do at once. */
export const BEGIN_BEFORE_MS = 30_000;
/** No warm-up begins later than so long before the start, and none claims later, in ms. */
export const BEGIN_LATEST_MS = 2_000;
const END_LATEST_MS = 1_000;
/** The most time for one warm-up, in ms; its claims under way and its removal come on top. */
const MOST_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
const STOP_MOST_MS = 1_000;
const CAMPAIGNS_MAX = 20;
/** Code that was busy within so long is warm still, in ms; V8 drops what is not used for long. */
const WARM_FOR_MS = 600_000;
/** So many answers between two looks warm the code as well. */
const BUSY_ANSWERS = 500;
/** A warm-up that began so long ago and is on record was cut off with its process, in ms. */
export const ABANDONED_AFTER_MS = 60_000;
const REMOVE_EVERY_LOOKS = 10;
const REMOVED_AT_ONCE = 10;

export function createWarmUpWatch(deps: WarmUpWatchDeps): WarmUpWatch {
  const { campaigns, warmUps, clock, metrics, random = Math.random } = deps;
  const logger = deps.logger.child({ component: "server" });
  const shareOfTime = 0.5 + random() / 2;
  /** By campaign, the start for which it was done. */
  const done = new Map<string, number>();
  const stopping = new AbortController();
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  let warmAtMs = Number.NEGATIVE_INFINITY;
  let seenAnswers = 0;
  let looks = 0;

  function isWarm(): boolean {
    const answers = deps.answers();
    if (answers - seenAnswers >= BUSY_ANSWERS) warmAtMs = clock.elapsed();
    seenAnswers = answers;
    return clock.elapsed() - warmAtMs < WARM_FOR_MS;
  }

  async function warm(campaign: CampaignDoc, measure: Measure): Promise<void> {
    const leftMs = campaign.startsAt.getTime() - clock.now();
    const late = new AbortController();
    const cancelTimer = clock.after(Math.min(MOST_MS, leftMs - END_LATEST_MS), () => late.abort());
    const id = campaign._id;
    try {
      const until = AbortSignal.any([stopping.signal, late.signal]);
      const { claims, isComplete, ...ms } = await deps.warmUp(campaign, measure, until);
      if (measure === "whole" && isComplete) warmAtMs = clock.elapsed();
      const [tookMs, firstMs, lastMs] = [ms.tookMs, ms.firstMs, ms.lastMs].map(Math.round);
      logger.info(
        { campaign: id, claims, isComplete, leftMs, tookMs, firstMs, lastMs },
        "claim path warmed up",
      );
      metrics.warmUps.inc({ outcome: isComplete ? "done" : "cut" });
    } catch (error) {
      // The stores may be closed by now: another process removes what is left.
      if (stopping.signal.aborted) return;
      metrics.warmUps.inc({ outcome: "failed" });
      logger.warn(
        { campaign: id, err: error },
        "the claim path could not be warmed up; the sale is not affected",
      );
    } finally {
      cancelTimer();
    }
  }

  /** Those of this process, too, whose removal failed. */
  async function removeAbandoned(): Promise<void> {
    for (const left of await warmUps.abandoned(ABANDONED_AFTER_MS, REMOVED_AT_ONCE)) {
      if (stopping.signal.aborted) return;
      await deps.removeShadow(left);
      logger.info({ campaign: left.campaignId }, "removed what a warm-up had left that was cut off");
    }
  }

  async function look(): Promise<void> {
    const whole = !isWarm();
    if (deps.isStoreAway()) return;
    if (looks++ % REMOVE_EVERY_LOOKS === 0) await removeAbandoned();
    const nowMs = clock.now();
    const [from, to] = [nowMs + BEGIN_LATEST_MS, nowMs + BEGIN_BEFORE_MS * shareOfTime];
    const soon = await campaigns.startingBetween(new Date(from), new Date(to), CAMPAIGNS_MAX);
    const due = soon.filter(({ _id, startsAt }) => done.get(_id) !== startsAt.getTime());
    for (const id of done.keys()) if (!soon.some(({ _id }) => _id === id)) done.delete(id);
    for (const [index, campaign] of due.entries()) {
      const isTooLate = campaign.startsAt.getTime() - clock.now() < BEGIN_LATEST_MS;
      if (isTooLate || stopping.signal.aborted) continue;
      done.set(campaign._id, campaign.startsAt.getTime());
      await warm(campaign, whole && index === 0 ? "whole" : "short");
    }
  }

  const round = troubleOnce(look, {
    failed: (error) =>
      logger.warn({ err: error }, "the coming starts could not be read; the claim path is not warmed up"),
  });

  function next(): void {
    if (stopping.signal.aborted) return;
    cancel = clock.after(LOOK_EVERY_MS, () => {
      underWay = round().then(next);
    });
  }

  return {
    start() {
      underWay = round().then(next);
    },
    look,
    async stop() {
      stopping.abort();
      cancel();
      await withDeadline(underWay, STOP_MOST_MS, "the end of a warm-up", clock).catch(() => undefined);
    },
  };
}
