import type { Campaigns } from "../record/campaigns.ts";
import type { FeedOrder } from "../record/feed-order.ts";
import type { CloudEvent, EventPlace } from "./cloud-event.ts";
import { LOG_START, type LogReader, type Wanted } from "./log-reader.ts";

/** A place in the order of all logs: a part of a campaign's log, and where in it. */
export type FeedPlace = EventPlace & {
  /** The number of the part, from 1 on. */
  readonly part: number;
};

export const FEED_START: FeedPlace = { part: 1, n: 0, index: 0 };

export type FeedRead = {
  readonly events: readonly CloudEvent[];
  /** Where to go on: all before it has been read. */
  readonly next: FeedPlace;
  /** That was all of the order. */
  readonly isAll: boolean;
};

/** The events of all campaigns, in one order. */
export type FeedReader = {
  /** Events from a place on. `limit` bounds changes and coupons, as that of a log's reader does. */
  read(from: FeedPlace, limit: number, wanted: Wanted): Promise<FeedRead>;
};

export type FeedReaderDeps = {
  readonly campaigns: Pick<Campaigns, "find">;
  readonly feedOrder: Pick<FeedOrder, "from">;
  readonly logReader: LogReader;
};

const PARTS_PAGE = 50;
/** Of the logs, in one call: unwanted entries make no events, and cost a little time all the same. */
const READS_MAX = 100;
const CAMPAIGNS_MAX = 10_000;

export function createFeedReader({ campaigns, feedOrder, logReader }: FeedReaderDeps): FeedReader {
  /** What of a campaign decides how its events look never changes. */
  const known = new Map<string, { readonly _id: string; readonly onePerUser: boolean }>();

  async function campaignOf(campaignId: string) {
    const before = known.get(campaignId);
    if (before !== undefined) return before;
    const found = await campaigns.find(campaignId);
    if (found === null)
      throw new Error(`the order of events names a campaign that there is not: ${campaignId}`);
    const { _id, onePerUser } = found;
    if (known.size >= CAMPAIGNS_MAX) known.clear();
    known.set(campaignId, { _id, onePerUser });
    return { _id, onePerUser };
  }

  return {
    async read(from, limit, wanted) {
      const events: CloudEvent[] = [];
      let at = from;
      let reads = 0;
      const parts = await feedOrder.from(from.part, PARTS_PAGE);
      for (const part of parts) {
        if (part._id !== at.part) throw new Error(`the order of events lacks its part ${at.part}`);
        const campaign = await campaignOf(part.campaignId);
        const until = { n: part.to + 1, index: 0 };
        let place = at.n < part.from ? { ...LOG_START, n: part.from } : { n: at.n, index: at.index };
        while (place.n <= part.to) {
          if (events.length >= limit || reads++ === READS_MAX)
            return { events, next: { part: part._id, ...place }, isAll: false };
          const read = await logReader.read(campaign, place, limit - events.length, { ...wanted, until });
          events.push(...read.events);
          place = read.isAll ? until : read.next;
        }
        at = { part: part._id + 1, n: 0, index: 0 };
      }
      return { events, next: at, isAll: parts.length < PARTS_PAGE };
    },
  };
}
