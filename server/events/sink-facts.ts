import { type PlaceInLog, waitingOf } from "../../events/waiting.ts";
import { wantedOf } from "../../events/wanted.ts";
import { isRehearsalId } from "../../record/campaign-id.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { DeadLetters } from "../../record/dead-letters.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { CursorDoc } from "../../record/event-documents.ts";
import { type EntryOutline, type EventLog, entryId } from "../../record/event-log.ts";
import type { Issuances } from "../../record/issuances.ts";
import { livePages } from "../../record/live-campaigns.ts";
import type { CursorTotals, SinkCursors } from "../../record/sink-cursors.ts";
import type { SeenSink } from "../../record/sinks.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createSharedLook } from "../../runtime/shared-look.ts";

/** What the record knows of a sink's deliveries. */
export type SinkFacts = {
  readonly totals: CursorTotals;
  readonly waiting: number;
  readonly dead: { readonly letters: number; readonly events: number };
  /** Those that wait longest first. */
  readonly failing: readonly CursorDoc[];
};

export type SinkFactsDeps = {
  readonly campaigns: Pick<Campaigns, "find" | "live" | "list">;
  readonly issuances: Pick<Issuances, "count">;
  readonly eventLog: Pick<EventLog, "outlines">;
  readonly cursors: Pick<SinkCursors, "totals" | "open">;
  readonly deadLetters: Pick<DeadLetters, "counts">;
  readonly clock: Clock;
};

const NO_TOTALS: CursorTotals = { delivered: 0, failed: 0 };
const NO_LETTERS = { letters: 0, events: 0 } as const;
/** Campaigns whose waiting events are counted: live ones, the newest, and those with a cursor on its way. */
const LIVE_MAX = 200;
const NEWEST_MAX = 50;
const CURSORS_MAX = 2_000;
const FAILING_MAX = 20;
/** Counting a million issuances takes MongoDB a while. */
const ISSUED_FRESH_MS = 2_000;

type CampaignNow = Pick<CampaignDoc, "createdAt"> & { readonly revision: number; readonly issued: number };

/** Reads the facts of some sinks, with a bounded number of queries for all of them. */
export function createSinkFacts(deps: SinkFactsDeps) {
  const { campaigns, issuances, eventLog, cursors, deadLetters, clock } = deps;
  const issuedLook = createSharedLook((campaignId) => issuances.count(campaignId), ISSUED_FRESH_MS, clock);

  /** Live campaigns, and the newest: those may have come and gone while a sink was paused. */
  async function candidates(): Promise<CampaignDoc[]> {
    const newest = await campaigns.list("", NEWEST_MAX);
    const found: CampaignDoc[] = [];
    for await (const page of livePages(campaigns, () => undefined)) {
      for (const campaign of page) if (!isRehearsalId(campaign._id)) found.push(campaign);
      if (found.length >= LIVE_MAX) break;
    }
    const all = new Map([...found.slice(-LIVE_MAX), ...newest].map((campaign) => [campaign._id, campaign]));
    return [...all.values()];
  }

  async function nowOf(candidate: readonly CampaignDoc[], ids: ReadonlySet<string>) {
    const known = new Set(candidate.map(({ _id }) => _id));
    const others = [...ids].filter((id) => !known.has(id)).slice(0, LIVE_MAX);
    // One of a newer version is not counted.
    const found = await Promise.all(others.map((id) => campaigns.find(id).catch(() => null)));
    const all = [...candidate, ...found.filter((campaign) => campaign !== null)];
    const counted = all.map(async ({ _id, state, total, revision = 0, createdAt }) => {
      const issued = state === "SOLD_OUT" ? total : await issuedLook(_id);
      return [_id, { revision, issued, createdAt }] as const;
    });
    return new Map<string, CampaignNow>(await Promise.all(counted));
  }

  /** What a sink without a cursor in a campaign will get of it is known where it gets all. */
  function startIn({ since }: SeenSink, { createdAt }: CampaignNow): PlaceInLog | undefined {
    const isAll = since === undefined || createdAt >= since;
    return isAll ? { before: undefined, kind: undefined, index: 0 } : undefined;
  }

  function waitingFor(
    sink: SeenSink,
    now: ReadonlyMap<string, CampaignNow>,
    places: ReadonlyMap<string, PlaceInLog>,
    candidate: ReadonlySet<string>,
  ): number {
    let waiting = 0;
    for (const [campaignId, campaign] of now) {
      if ((sink.campaignId ?? campaignId) !== campaignId) continue;
      const place = places.get(`${sink.key}/${campaignId}`);
      const from = place ?? (candidate.has(campaignId) ? startIn(sink, campaign) : undefined);
      if (from !== undefined) waiting += waitingOf(campaign, from, wantedOf(sink));
    }
    return waiting;
  }

  return async (sinks: readonly SeenSink[]): Promise<(sink: SeenSink) => SinkFacts> => {
    const keys = sinks.map(({ key }) => key);
    const candidate = await candidates();
    const ids = candidate.map(({ _id }) => _id);
    const [totals, dead, open] = await Promise.all([
      cursors.totals(keys),
      deadLetters.counts(),
      cursors.open(keys, ids, CURSORS_MAX),
    ]);
    const [now, outlines] = await Promise.all([
      nowOf(candidate, new Set(open.map(({ campaignId }) => campaignId))),
      eventLog.outlines(open.flatMap(({ campaignId, n }) => [n - 1, n].map((at) => entryId(campaignId, at)))),
    ]);
    const places = new Map(open.map((cursor) => [cursor._id, placeOf(cursor, outlines)]));
    return (sink) => ({
      totals: totals.get(sink.key) ?? NO_TOTALS,
      waiting: waitingFor(sink, now, places, new Set(ids)),
      dead: dead.get(sink.key) ?? NO_LETTERS,
      failing: failingOf(open, sink.key),
    });
  };
}

function placeOf(
  { campaignId, n, index }: CursorDoc,
  outlines: ReadonlyMap<string, EntryOutline>,
): PlaceInLog {
  const at = (number: number) => outlines.get(entryId(campaignId, number));
  return { before: at(n - 1)?.head, kind: at(n)?.kind, index };
}

function failingOf(cursors: readonly CursorDoc[], key: string): CursorDoc[] {
  const sinceMs = ({ failing }: CursorDoc) => failing?.since.getTime() ?? 0;
  return cursors
    .filter((cursor) => cursor.key === key && cursor.failing !== undefined)
    .sort((a, b) => sinceMs(a) - sinceMs(b))
    .slice(0, FAILING_MAX);
}
