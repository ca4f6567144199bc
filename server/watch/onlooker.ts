import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { isStoreError } from "../../claims/store-error.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  type WatchCampaignResponse,
  WatchCampaignResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CampaignDoc, HistoryDoc, RecordedState } from "../../record/documents.ts";
import type { History } from "../../record/history.ts";
import type { PreflightDoc } from "../../record/preflight-documents.ts";
import type { SeenProcess } from "../../record/processes.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { SharedLook } from "../../runtime/shared-look.ts";
import { liveCampaign, viewCampaign } from "../view/campaign-view.ts";
import type { LiveView, Look } from "../view/live-view.ts";
import { eventsBetween } from "./events.ts";
import { tellsWhoLives } from "./process-events.ts";
import type { ProcessLook } from "./process-look.ts";
import type { Sight, WatchEvent } from "./sight.ts";
import { createTrafficWindow } from "./traffic.ts";
import { viewEvent, viewProcess, viewTraffic } from "./view.ts";

export type OnlookerDeps = {
  liveView: Pick<LiveView, "look">;
  processLook: ProcessLook;
  /** The last preflights of a campaign, newest first. */
  preflightLook: SharedLook<readonly PreflightDoc[]>;
  /** The count of issuances in MongoDB, for when the pool cannot give it. */
  issuedLook: SharedLook<number>;
  history: Pick<History, "list" | "listAfter">;
  clock: Clock;
  /** The changes above this revision are sent; undefined: the last few. */
  afterRevision?: number | undefined;
};

/**
 * Takes one snapshot. null: there is no such campaign. Rejects when MongoDB does not answer and has not
 * answered before.
 */
export type Onlooker = () => Promise<{
  readonly message: WatchCampaignResponse;
  /** True: there are already more changes to send. */
  readonly isBehind: boolean;
} | null>;

/** The most changes in one message, and the most of those from before the first snapshot. */
const CHANGES_MAX = 50;
const FIRST_CHANGES_MAX = 20;

/** States after which there is nothing more to watch. */
const FINAL: readonly CampaignState[] = [
  CampaignState.SOLD_OUT,
  CampaignState.ENDED,
  CampaignState.CANCELLED,
];

/** undefined: MongoDB has not answered. */
type Changes = { readonly entries: readonly HistoryDoc[]; readonly isBehind: boolean } | undefined;

type Found = { readonly look: Look; readonly issued: number };

const isUntil =
  (revision: number) =>
  (entry: HistoryDoc): boolean =>
    entry.revision <= revision;

/** Takes snapshots of one campaign, and compares each with the one before. */
export function createOnlooker(campaignId: string, deps: OnlookerDeps): Onlooker {
  const { liveView, processLook, preflightLook, issuedLook, history, clock } = deps;
  const traffic = createTrafficWindow(campaignId);
  let before: Sight | undefined;
  let found: Found | undefined;
  let counted: { readonly atMs: number; readonly issued: number } | undefined;
  let toldRevision = deps.afterRevision;
  /** The first message lacks the changes before this; undefined: it has all, or an event has said so. */
  let cutAt: Date | undefined;
  /**
   * The last views of the processes, and the list that they show: it is read less often than snapshots are
   * taken.
   */
  let viewed: { readonly of: readonly SeenProcess[]; readonly views: ReturnType<typeof viewsOf> } | undefined;

  function viewsOf(processes: readonly SeenProcess[]) {
    traffic.read(processes);
    return { traffic: viewTraffic(traffic.now()), processes: processes.map(viewProcess) };
  }

  function viewsNow(processes: readonly SeenProcess[] | undefined) {
    if (processes === undefined) return {};
    if (viewed?.of !== processes) viewed = { of: processes, views: viewsOf(processes) };
    return viewed.views;
  }

  async function find(): Promise<Found | null> {
    // The first snapshot must have every change that its caller has seen, such as one it just made: it is
    // not taken from memory.
    const leastRevision = found === undefined ? Number.POSITIVE_INFINITY : toldRevision;
    const look = await liveView.look(campaignId, leastRevision);
    if (look === null) return null;
    const { campaign, pool } = look;
    if (campaign.state === "SOLD_OUT") return { look, issued: campaign.total };
    const issued = pool?.status === "ok" ? pool.claims - pool.ledger : await issuedLook(campaignId);
    return { look, issued };
  }

  /** undefined: MongoDB does not answer, and the onlooker goes on with the campaign that it found before. */
  async function findOrWait(): Promise<Found | null | undefined> {
    try {
      return await find();
    } catch (error) {
      if (found === undefined || !isStoreError(error)) throw error;
      return undefined;
    }
  }

  /** The last changes before the first snapshot, oldest first; undefined: MongoDB has not answered. */
  async function lastChanges(revision: number): Promise<Changes> {
    const newestFirst = await history.list(campaignId, undefined, FIRST_CHANGES_MAX).catch(() => undefined);
    if (newestFirst === undefined) return undefined;
    toldRevision = revision;
    const oldest = newestFirst.at(-1);
    if (newestFirst.length === FIRST_CHANGES_MAX && (oldest?.revision ?? 0) > 0) cutAt = oldest?.at;
    return { entries: newestFirst.toReversed().filter(isUntil(revision)), isBehind: false };
  }

  /**
   * The changes that are not sent yet, oldest first, up to this revision, or the first page of them. Later
   * ones are sent with a campaign that has them: all parts of a message are of one revision.
   */
  async function changesUntil(revision: number): Promise<Changes> {
    const since = toldRevision;
    if (since === undefined) return lastChanges(revision);
    if (since >= revision) return { entries: [], isBehind: false };
    const entries = await history.listAfter(campaignId, since, CHANGES_MAX).catch(() => undefined);
    if (entries === undefined) return undefined;
    const last = entries.at(-1)?.revision ?? since;
    const isBehind = entries.length === CHANGES_MAX && last < revision;
    toldRevision = isBehind ? last : revision;
    return { entries: entries.filter(isUntil(revision)), isBehind };
  }

  /** The recorded state after the changes sent so far; a campaign that was read before is out of date. */
  function recordedAfter(changes: Changes, { state, revision = 0 }: CampaignDoc): RecordedState | undefined {
    const isCurrent = changes !== undefined && !changes.isBehind && revision >= (toldRevision ?? 0);
    return isCurrent ? state : (changes?.entries.at(-1)?.after.state ?? before?.recorded);
  }

  function olderChanges(): WatchEvent[] {
    if (cutAt === undefined) return [];
    const atMs = cutAt.getTime();
    cutAt = undefined;
    return [{ atMs, level: "info", kind: "change", text: `changes before: coupon history ${campaignId}` }];
  }

  return async () => {
    const [now, processes, preflights] = await Promise.all([
      findOrWait(),
      processLook(),
      preflightLook(campaignId).catch(() => before?.preflights ?? []),
    ]);
    if (now === null) return null;
    const { look, issued } = (now ?? found) as Found;
    found = { look, issued };
    const { campaign, pool } = look;
    const changes = now === undefined ? undefined : await changesUntil(campaign.revision ?? 0);
    const atMs = clock.now();
    const live = liveCampaign(campaign, pool);
    const sight: Sight = {
      ...{ atMs, mongodb: now !== undefined, state: live.state },
      ...{ recorded: recordedAfter(changes, campaign), startsAtMs: campaign.startsAt.getTime() },
      ...{ pool, processes, preflights, changes: changes?.entries ?? [] },
    };
    const events = [...olderChanges(), ...eventsBetween(before, sight)];
    const whoLives = processes !== undefined && tellsWhoLives(processes) ? processes : before?.processes;
    before = { ...sight, processes: whoLives };
    const seconds = counted === undefined ? 0 : (atMs - counted.atMs) / 1_000;
    const more = issued - (counted?.issued ?? issued);
    if (now !== undefined) counted = { atMs, issued };
    const isBehind = changes?.isBehind ?? false;
    // By the recorded state: an end that is not recorded yet may still have claims under way. Not before all
    // changes are sent. Another server may have sent the caller later changes than this campaign has, and
    // after them it may be open again.
    const isCurrent = (campaign.revision ?? 0) >= (toldRevision ?? 0);
    const isOver =
      changes !== undefined && !isBehind && isCurrent && FINAL.includes(CampaignState[campaign.state]);
    const message = create(WatchCampaignResponseSchema, {
      campaign: viewCampaign(live, issued),
      remaining:
        pool?.status === "ok" ? pool.stagedCodes + pool.openCodes + pool.awayCodes : campaign.total - issued,
      issuedPerSecond: seconds <= 0 ? 0 : Math.max(0, more) / seconds,
      ledgerDepth: pool?.ledger ?? 0,
      serverTime: timestampFromMs(atMs),
      ...viewsNow(now === undefined ? undefined : processes),
      events: events.map(viewEvent),
      ...(toldRevision === undefined ? {} : { revision: toldRevision }),
      isOver,
    });
    return { message, isBehind };
  };
}
