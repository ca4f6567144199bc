import type { Valid } from "../../campaign/valid.ts";
import { valid } from "../../campaign/valid.ts";
import type { AllLogs } from "../../events/all-logs.ts";
import type { CloudEvent, EventPlace } from "../../events/cloud-event.ts";
import type { Feed } from "../../events/feed.ts";
import { FEED_START, type FeedPlace, type FeedReader } from "../../events/feed-reader.ts";
import { LOG_START, type LogReader, type Wanted } from "../../events/log-reader.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { EventLog } from "../../record/event-log.ts";
import type { FeedOrder } from "../../record/feed-order.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createSharedLook } from "../../runtime/shared-look.ts";
import { allToken, type Bookmark, campaignToken, validAllToken, validCampaignToken } from "./event-token.ts";

/** Where events are read from: the log of a campaign, or the order of all logs. A token is a place in it. */
export type EventSource = {
  /** A place that was told earlier; an empty token: the beginning. */
  start(token: string): Valid<string>;
  /** The place where it ends now. */
  end(): Promise<string>;
  /** Brings it up to date, a bounded part; true: there is more to do at once. */
  advance(token: string): Promise<boolean>;
  /** Events from a place on. */
  read(token: string, limit: number, wanted: Wanted): Promise<EventsPage>;
};

export type EventsPage = {
  readonly events: readonly CloudEvent[];
  readonly next: string;
  readonly isAll: boolean;
};

export type EventSourceDeps = {
  readonly feed: Feed;
  readonly eventLog: Pick<EventLog, "last">;
  readonly logReader: LogReader;
  readonly allLogs: AllLogs;
  readonly feedOrder: Pick<FeedOrder, "last" | "now">;
  readonly feedReader: FeedReader;
  readonly find: (campaignId: string) => Promise<CampaignDoc>;
  readonly clock: Pick<Clock, "now" | "elapsed">;
};

/** Readers of one campaign bring its log up to date together. */
const FRESH_MS = 100;

export function createEventSources(deps: EventSourceDeps) {
  const { feed, eventLog, logReader, allLogs, feedOrder, feedReader, find, clock } = deps;
  const advanced = createSharedLook(
    async (campaignId) => (await feed.advance(await find(campaignId))) === "behind",
    FRESH_MS,
    clock,
  );

  const nowMs = async () => (await feedOrder.now())?.getTime() ?? clock.now();

  /** Tokens that this process made are read without a doubt. */
  function trusted<P>(read: Valid<Bookmark<P>>): Bookmark<P> {
    if (!read.ok) throw new Error("a token of this process that it cannot read");
    return read.value;
  }

  function ofCampaign(campaign: CampaignDoc): EventSource {
    const { _id: campaignId } = campaign;
    const tokenOf = (bookmark: Bookmark<EventPlace>) => campaignToken(campaignId, bookmark);
    return {
      start(token) {
        if (token === "") return valid(tokenOf({ place: LOG_START, sinceMs: undefined }));
        const read = validCampaignToken(token, campaignId);
        return read.ok ? valid(tokenOf(read.value)) : read;
      },
      async end() {
        const sinceMs = await nowMs();
        const last = await eventLog.last(campaignId);
        // What is in the last entry may have happened just now.
        return tokenOf({ place: { n: last?.n ?? 1, index: 0 }, sinceMs });
      },
      advance: () => advanced(campaignId),
      async read(token, limit, wanted) {
        const { place, sinceMs } = trusted(validCampaignToken(token, campaignId));
        const read = await logReader.read(campaign, place, limit, { ...wanted, sinceMs });
        return { ...read, next: tokenOf({ place: read.next, sinceMs }) };
      },
    };
  }

  const ofAll: EventSource = {
    start(token) {
      if (token === "") return valid(allToken({ place: FEED_START, sinceMs: undefined }));
      const read = validAllToken(token);
      return read.ok ? valid(allToken(read.value)) : read;
    },
    async end() {
      const sinceMs = await nowMs();
      const place: FeedPlace = { part: Math.max(1, await feedOrder.last()), n: 0, index: 0 };
      return allToken({ place, sinceMs });
    },
    advance: (token) => allLogs.advance(trusted(validAllToken(token)).sinceMs),
    async read(token, limit, wanted) {
      const { place, sinceMs } = trusted(validAllToken(token));
      const read = await feedReader.read(place, limit, { ...wanted, sinceMs });
      return { ...read, next: allToken({ place: read.next, sinceMs }) };
    },
  };

  return { ofCampaign, ofAll };
}
