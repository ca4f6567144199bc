import { isRehearsalId } from "../record/campaign-id.ts";
import type { Campaigns, OverCampaign } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Feeds } from "../record/feeds.ts";
import type { History } from "../record/history.ts";
import { livePages } from "../record/live-campaigns.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Feed } from "./feed.ts";
import type { LateIssues } from "./late-issues.ts";
import type { LogOrder } from "./log-order.ts";

/**
 * Brings the logs of all campaigns up to date, and into one order: whoever reads them together calls it.
 * Without such a reader nothing of it is written.
 */
export type AllLogs = {
  /**
   * A bounded part of that; true: there is more to do at once. `sinceMs`: what happened before that instant
   * need not be there; undefined: everything must.
   */
  advance(sinceMs: number | undefined): Promise<boolean>;
};

export type AllLogsDeps = {
  readonly campaigns: Pick<Campaigns, "find" | "live" | "overPage">;
  readonly history: Pick<History, "list">;
  readonly feed: Feed;
  readonly feeds: Pick<Feeds, "checked" | "checksDue">;
  readonly lateIssues: Pick<LateIssues, "askFor">;
  readonly logOrder: LogOrder;
  readonly clock: Pick<Clock, "elapsed">;
};

/** Calls that follow each other closer than this do nothing. */
const FRESH_MS = 200;
/** How often campaigns that are over are looked at. */
const OVER_AGAIN_MS = 15_000;
const OVER_PAGE = 500;
/** How many logs of campaigns that are over are brought up to date in one call. */
const OVER_MAX = 100;
const CHECKS_MAX = 20;
const CHECKED_MAX = 500;
const CAMPAIGNS_MAX = 200_000;

export function createAllLogs(deps: AllLogsDeps): AllLogs {
  const { campaigns, history, feed, feeds, lateIssues, logOrder, clock } = deps;
  /** Campaigns that are over, as `id revision`: all of them is in the order. */
  const done = new Set<string>();
  /** The same, where nothing happened from an instant on, in ms. */
  const quietSince = new Map<string, number>();
  /** Campaigns that were live a moment ago: their last events are still to come. */
  let leaving = new Set<string>();
  const advancedAtMs = new Map<boolean, number>();
  const overAtMs = new Map<boolean, number>();
  let turn: Promise<unknown> = Promise.resolve();

  /** `complete`: all of the campaign is logged, and noted for the order; `behind`: there is more at once. */
  async function advanceOne(campaign: CampaignDoc): Promise<"complete" | "behind" | "current"> {
    const told = await feed.advance(campaign);
    const isMore = await logOrder.add(campaign._id, feed.reached(campaign._id));
    if (isMore || told === "behind") return "behind";
    return told === "complete" ? told : "current";
  }

  /** True: there is more of them to be written at once. */
  async function advanceLive(): Promise<boolean> {
    let isBehind = false;
    const live = new Set<string>();
    for await (const page of livePages(campaigns, () => undefined))
      for (const campaign of page) {
        if (isRehearsalId(campaign._id)) continue;
        live.add(campaign._id);
        if ((await advanceOne(campaign)) === "behind") isBehind = true;
      }
    for (const campaignId of leaving) {
      if (live.has(campaignId)) continue;
      const campaign = await campaigns.find(campaignId);
      const told = campaign === null ? "complete" : await advanceOne(campaign);
      if (told === "behind") isBehind = true;
      if (told !== "complete") live.add(campaignId);
    }
    leaving = live;
    return isBehind;
  }

  /** Whether nothing has happened to a campaign that is over since an instant. */
  async function isQuiet({ _id, revision = 0 }: OverCampaign, sinceMs: number): Promise<boolean> {
    const memo = `${_id} ${revision}`;
    if ((quietSince.get(memo) ?? Number.POSITIVE_INFINITY) <= sinceMs) return true;
    const [last] = await history.list(_id, undefined, 1);
    const isSo = last === undefined || last.at.getTime() < sinceMs;
    if (quietSince.size >= CAMPAIGNS_MAX) quietSince.clear();
    if (isSo) quietSince.set(memo, sinceMs);
    return isSo;
  }

  /** True: there are more of them. */
  async function advanceOver(sinceMs: number | undefined): Promise<boolean> {
    let isBehind = false;
    let left = OVER_MAX;
    const complete: string[] = [];
    for (let after = ""; left > 0; ) {
      const page = await campaigns.overPage(after, OVER_PAGE);
      for (const over of page) {
        if (left === 0 || done.has(`${over._id} ${over.revision ?? 0}`)) continue;
        if (sinceMs !== undefined && (await isQuiet(over, sinceMs))) continue;
        const campaign = await campaigns.find(over._id);
        if (campaign === null) continue;
        left--;
        const told = await advanceOne(campaign);
        if (told === "behind") isBehind = true;
        if (told === "complete") complete.push(`${campaign._id} ${campaign.revision ?? 0}`);
      }
      after = page.at(-1)?._id ?? "";
      if (page.length < OVER_PAGE) break;
    }
    if (!(await logOrder.write())) return true;
    if (done.size >= CAMPAIGNS_MAX) done.clear();
    for (const one of complete) done.add(one);
    return isBehind || left === 0;
  }

  /** Coupons that became durable late, of campaigns that are over: whoever finds them, they are ordered. */
  async function lookForLate(): Promise<void> {
    for (const campaignId of await feeds.checked(CHECKED_MAX)) await logOrder.add(campaignId, undefined);
    for (const campaignId of await feeds.checksDue(CHECKS_MAX)) {
      lateIssues.askFor(campaignId);
      const campaign = await campaigns.find(campaignId);
      if (campaign !== null) await advanceOne(campaign);
    }
  }

  async function advance(sinceMs: number | undefined): Promise<boolean> {
    const isAll = sinceMs === undefined;
    const since = (at: Map<boolean, number>) => clock.elapsed() - (at.get(isAll) ?? Number.NEGATIVE_INFINITY);
    if (since(advancedAtMs) < FRESH_MS) return false;
    let isBehind = await advanceLive();
    if (since(overAtMs) >= OVER_AGAIN_MS) {
      await lookForLate();
      if (await advanceOver(sinceMs)) isBehind = true;
      else overAtMs.set(isAll, clock.elapsed());
    }
    if (!(await logOrder.write())) isBehind = true;
    if (!isBehind) advancedAtMs.set(isAll, clock.elapsed());
    return isBehind;
  }

  return {
    advance(sinceMs) {
      const advanced = turn.then(() => advance(sinceMs));
      turn = advanced.catch(() => undefined);
      return advanced;
    },
  };
}
