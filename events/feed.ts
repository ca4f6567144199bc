import { type Settled, settledOf } from "../campaign/settled-issues.ts";
import type { Pool } from "../pool/pool.ts";
import { isRehearsalId } from "../record/campaign-id.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { EventEntry, LogHead } from "../record/event-documents.ts";
import { type EventLog, entryId } from "../record/event-log.ts";
import type { Feeds } from "../record/feeds.ts";
import type { History } from "../record/history.ts";
import type { Issuances } from "../record/issuances.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Arranged, arrange } from "./arrange.ts";
import type { LateIssues } from "./late-issues.ts";

/**
 * Writes what happens to campaigns into their event logs. Whoever reads a log calls it: without a reader
 * nothing is written.
 */
export type Feed = {
  /** Brings the log of a campaign up to date, a bounded part at a time; `campaign` was just read. */
  advance(campaign: CampaignDoc): Promise<Advanced>;
  /** The number of a log's last entry, as of the last `advance`; undefined: another process writes it. */
  reached(campaignId: string): number | undefined;
};

/**
 * `busy`: another process writes this log; `behind`: there is more to write at once; `written`: all that was
 * settled was written; `current`: there was nothing to write; `complete`: the campaign is over or sold out,
 * and all of it is in the log.
 */
export type Advanced = "busy" | "behind" | "written" | "current" | "complete";

export type FeedDeps = {
  readonly pool: Pick<Pool, "frontier">;
  readonly history: Pick<History, "listAfter">;
  readonly issuances: Pick<Issuances, "placesInOrder">;
  readonly eventLog: EventLog;
  readonly feeds: Feeds;
  readonly lateIssues: LateIssues;
  readonly clock: Clock;
  readonly owner: string;
  readonly leaseMs: number;
  readonly settleMs: number;
};

const COUPONS_PER_ROUND = 5_000;
const CHANGES_PER_ROUND = 200;
const CAMPAIGNS_MAX = 10_000;

export const NO_LOG = { revision: -1, generation: 0, seq: 0, issued: 0 } as const;

export function createFeed(deps: FeedDeps): Feed {
  const { pool, history, issuances, eventLog, feeds, lateIssues, clock, owner, leaseMs, settleMs } = deps;
  /** By campaign, what was seen when its log was last found current: nothing is read while that is so. */
  const known = new Map<string, { readonly sight: string; readonly told: Advanced }>();
  const reached = new Map<string, number>();

  async function look(campaign: CampaignDoc): Promise<Settled> {
    const settled = settledOf(campaign, undefined, settleMs);
    if (settled.kind === "all" && campaign.state !== "SOLD_OUT") return settled;
    const frontier = await pool.frontier(campaign._id).catch(() => undefined);
    return settledOf(campaign, frontier, settleMs);
  }

  /** The next entries of the log, and whether there may be more. */
  async function newsOf(campaign: CampaignDoc, head: LogHead, settled: Settled) {
    const { _id: campaignId, revision = 0 } = campaign;
    const below = settled.kind === "below" ? settled.place : undefined;
    // A pool opens at its first claim, before that is on record: the coupons wait for the event of it.
    const isToOpen = campaign.state === "GENERATING" || campaign.state === "SCHEDULED";
    const issued =
      settled.kind === "unknown" || isToOpen
        ? []
        : await issuances.placesInOrder(campaignId, placeOf(head), COUPONS_PER_ROUND, below);
    const found = await history.listAfter(campaignId, head.revision, CHANGES_PER_ROUND);
    // A later one was made after the frontier was read: it may come after coupons that are not read here.
    const changes = found.filter((change) => change.revision <= revision);
    const isAll = issued.length < COUPONS_PER_ROUND;
    const isAtRest = settled.kind === "all" || (settled.kind === "below" && settled.isAtRest);
    const isMore = !isAll || found.length === CHANGES_PER_ROUND;
    return { news: { changes, issued, isAll, isAtRest }, isMore };
  }

  function entriesOf(campaignId: string, n: number, arranged: readonly Arranged[]): EventEntry[] {
    const at = new Date(clock.now());
    return arranged.map((body, i) => {
      return { _id: entryId(campaignId, n + i), campaignId, n: n + i, at, ...body };
    });
  }

  async function write(campaign: CampaignDoc, settled: Settled): Promise<Advanced> {
    const { _id: campaignId, total } = campaign;
    reached.delete(campaignId);
    if (!(await feeds.takeLease(campaignId, owner, leaseMs))) return "busy";
    const last = await eventLog.last(campaignId);
    if (reached.size >= CAMPAIGNS_MAX) reached.clear();
    reached.set(campaignId, last?.n ?? 0);
    const head = last?.head ?? { ...NO_LOG, total };
    const n = (last?.n ?? 0) + 1;
    const { news, isMore } = await newsOf(campaign, head, settled);
    const arranged = arrange(head, news);
    if (arranged.length > 0) {
      const isFirst = await eventLog.append(entriesOf(campaignId, n, arranged));
      if (isFirst) reached.set(campaignId, n + arranged.length - 1);
      return isFirst && !isMore ? "written" : "behind";
    }
    if (isMore) return "behind";
    const late = await lateIssues.find(campaign, head);
    if (late !== undefined) {
      const entry = { kind: "late", runs: late.runs, head: { ...head, issued: head.issued + late.count } };
      await eventLog.append(entriesOf(campaignId, n, [entry as Arranged]));
      return "behind";
    }
    const isOver = ["SOLD_OUT", "ENDED", "CANCELLED"].includes(campaign.state);
    if (settled.kind === "unknown" || !news.isAtRest || !isOver || news.changes.length > 0) return "current";
    await lateIssues.recordComplete(campaign, head);
    return "complete";
  }

  return {
    async advance(campaign) {
      const { _id: campaignId, revision = 0, state } = campaign;
      if (isRehearsalId(campaignId)) return "complete";
      const settled = await look(campaign);
      const sight = JSON.stringify([revision, state, settled]);
      const last = known.get(campaignId);
      if (last?.sight === sight && !lateIssues.isDue(campaignId)) return last.told;
      const told = await write(campaign, settled);
      if (told === "current" || told === "complete") {
        if (known.size >= CAMPAIGNS_MAX) known.clear();
        known.set(campaignId, { sight, told });
      } else known.delete(campaignId);
      return told;
    },
    reached: (campaignId) => reached.get(campaignId),
  };
}

function placeOf({ generation, seq }: LogHead) {
  return generation === 0 ? undefined : { generation, seq };
}
