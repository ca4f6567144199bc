import type { CampaignDoc, IssuanceDoc } from "../record/documents.ts";
import type { EventEntry } from "../record/event-documents.ts";
import type { EventLog } from "../record/event-log.ts";
import type { History } from "../record/history.ts";
import type { IssuedRuns } from "../record/issued-runs.ts";
import {
  type CloudEvent,
  changeEvent,
  type EventPlace,
  type EventType,
  issuedEvent,
  stockEvent,
} from "./cloud-event.ts";
import { countIn, sliceOf } from "./runs.ts";
import type { Threshold } from "./thresholds.ts";

/** Which events a reader wants. */
export type Wanted = {
  /** undefined: all. */
  readonly types?: readonly EventType[] | undefined;
  readonly thresholds?: readonly Threshold[] | undefined;
  /** Only what happened from then on, in ms. */
  readonly sinceMs?: number | undefined;
  /** Only what comes before this place. */
  readonly until?: EventPlace | undefined;
};

export type EventsRead = {
  readonly events: readonly CloudEvent[];
  /** Where to go on: all before it has been read. */
  readonly next: EventPlace;
  /** That was all of the log. */
  readonly isAll: boolean;
};

/** The event log of a campaign as events, each the same however often it is read. */
export type LogReader = {
  /**
   * Events from a place on. `limit` bounds changes and coupons; thresholds that coupons reach come beside
   * them. Rejects where the record lacks what the log names: a MongoDB that lags behind, or a damaged one.
   */
  read(
    campaign: Pick<CampaignDoc, "_id" | "onePerUser">,
    from: EventPlace,
    limit: number,
    wanted: Wanted,
  ): Promise<EventsRead>;
};

export type LogReaderDeps = {
  readonly eventLog: Pick<EventLog, "from">;
  readonly history: Pick<History, "listAfter">;
  readonly issuedRuns: Pick<IssuedRuns, "read">;
};

export const LOG_START: EventPlace = { n: 1, index: 0 };
const ENTRIES_PAGE = 20;
/** An entry is written after what is in it has happened, by two clocks that differ by less than this. */
const CLOCKS_APART_MS = 60_000;

type Part = { readonly entry: EventEntry; readonly index: number; readonly limit: number };

export function createLogReader({ eventLog, history, issuedRuns }: LogReaderDeps): LogReader {
  async function changesOf({ entry, index, limit }: Part): Promise<CloudEvent[]> {
    if (entry.kind !== "changes") return [];
    const { campaignId, n, from, to } = entry;
    const first = from + index;
    const most = Math.min(limit, to - first + 1);
    const found = await history.listAfter(campaignId, first - 1, most);
    if (found.length !== most || found.at(-1)?.revision !== first + most - 1)
      throw new Error(`entry ${entry._id} of the event log names changes that the history lacks`);
    return found.map((change, i) => changeEvent(change, { n, index: index + i }));
  }

  async function couponsOf(
    { entry, index, limit }: Part,
    { onePerUser }: Pick<CampaignDoc, "onePerUser">,
    { thresholds = [] }: Wanted,
  ): Promise<CloudEvent[]> {
    if (entry.kind === "changes") return [];
    const { campaignId, n, runs, head, kind } = entry;
    const before = head.issued - countIn(runs);
    const events: CloudEvent[] = [];
    let at = index;
    for (const run of sliceOf(runs, index, limit)) {
      const found = await issuedRuns.read(campaignId, run);
      const isWhole = found.length === run.last - run.first + 1;
      if (!isWhole || found.some(({ seq }, i) => seq !== run.first + i))
        throw new Error(`entry ${entry._id} of the event log names issuances that MongoDB lacks`);
      for (const issuance of found) {
        const place = { n, index: at++ };
        const number = before + at;
        events.push(issuedEvent(issuance, { onePerUser, number, late: kind === "late" }, place));
        events.push(...stockEvents(issuance, { issued: number, total: head.total }, thresholds, place));
      }
    }
    return events;
  }

  /** Whether all of an entry happened before the reader wants to begin. */
  async function isTooOld(entry: EventEntry, { sinceMs }: Wanted): Promise<boolean> {
    if (sinceMs === undefined) return false;
    if (entry.at.getTime() < sinceMs - CLOCKS_APART_MS) return true;
    const last = entry.kind === "issued" ? entry.runs.at(-1) : undefined;
    if (last === undefined) return false;
    const [issuance] = await issuedRuns.read(entry.campaignId, { ...last, first: last.last });
    return issuance !== undefined && issuance.issuedAt.getTime() < sinceMs;
  }

  function isUnwanted(entry: EventEntry, { types, thresholds = [] }: Wanted): boolean {
    if (types === undefined) return false;
    if (entry.kind === "changes") return !types.some((type) => type.startsWith("campaign."));
    return !types.includes("coupon.issued") && (thresholds.length === 0 || !types.includes("stock.low"));
  }

  return {
    async read(campaign, from, limit, wanted) {
      const { types, sinceMs, until } = wanted;
      const isWanted = ({ type, time }: CloudEvent) =>
        (types === undefined || types.includes(type)) &&
        (sinceMs === undefined || Date.parse(time) >= sinceMs);
      const events: CloudEvent[] = [];
      let { n, index } = from;
      let left = limit;
      const entries = await eventLog.from(campaign._id, n, ENTRIES_PAGE);
      for (const entry of entries) {
        if (entry.n !== n) throw new Error(`the event log of ${campaign._id} lacks its entry ${n}`);
        const size = entry.kind === "changes" ? entry.to - entry.from + 1 : countIn(entry.runs);
        const end = until?.n === n ? Math.min(size, until.index) : size;
        const isOver = until !== undefined && (n > until.n || index >= end);
        if (left === 0 || isOver) return { events, next: { n, index }, isAll: isOver };
        const limitHere = Math.min(left, end - index);
        if (!isUnwanted(entry, wanted) && !(await isTooOld(entry, wanted))) {
          const part = { entry, index, limit: limitHere };
          const found = [...(await changesOf(part)), ...(await couponsOf(part, campaign, wanted))];
          for (const event of found) if (isWanted(event)) events.push(event);
          left -= limitHere;
          index += limitHere;
        } else index = end;
        if (index < size) return { events, next: { n, index }, isAll: index === end };
        n++;
        index = 0;
      }
      return { events, next: { n, index }, isAll: left > 0 && entries.length < ENTRIES_PAGE };
    },
  };
}

function stockEvents(
  issuance: IssuanceDoc,
  { issued, total }: { readonly issued: number; readonly total: number },
  thresholds: readonly Threshold[],
  place: EventPlace,
): CloudEvent[] {
  const remaining = total - issued;
  return thresholds
    .filter(({ remainingOf }) => remainingOf(total) === remaining)
    .map(({ text }) => stockEvent(issuance, { threshold: text, remaining, issued, total }, place));
}
