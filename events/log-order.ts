import type { EventLog } from "../record/event-log.ts";
import type { FeedOrder, LogPart } from "../record/feed-order.ts";
import type { Clock } from "../runtime/clock.ts";

/** Puts what is new in the logs of campaigns into the order of all of them. */
export type LogOrder = {
  /**
   * Notes what of a campaign's log is not in the order yet; true: there is more than that. `reached`: the
   * number of the log's last entry, as far as is known; undefined: it is looked up.
   */
  add(campaignId: string, reached: number | undefined): Promise<boolean>;
  /** Writes what was noted; false: another process was first, and it is to be noted again. */
  write(): Promise<boolean>;
};

export type LogOrderDeps = {
  readonly eventLog: Pick<EventLog, "last">;
  readonly feedOrder: Pick<FeedOrder, "append" | "lastOf">;
  readonly clock: Pick<Clock, "elapsed">;
};

/** Another process may write into a log that this one does not: late coupons. It is looked up so often. */
const LOOK_AGAIN_MS = 30_000;
/** Of one campaign in a row: then come others. */
const ENTRIES_MAX = 100;
const CAMPAIGNS_MAX = 20_000;

/** What is known of a log: the number of its last entry in the order, and when it had no further one. */
type Known = { ordered: number; lookedAtMs: number };

export function createLogOrder({ eventLog, feedOrder, clock }: LogOrderDeps): LogOrder {
  const known = new Map<string, Known>();
  const noted = new Map<string, LogPart>();

  async function knownOf(campaignId: string): Promise<Known> {
    const before = known.get(campaignId);
    if (before !== undefined) return before;
    const one = { ordered: await feedOrder.lastOf(campaignId), lookedAtMs: Number.NEGATIVE_INFINITY };
    if (known.size >= CAMPAIGNS_MAX) known.clear();
    known.set(campaignId, one);
    return one;
  }

  async function look(campaignId: string, one: Known): Promise<number> {
    one.lookedAtMs = clock.elapsed();
    return (await eventLog.last(campaignId))?.n ?? 0;
  }

  return {
    async add(campaignId, reached) {
      const one = await knownOf(campaignId);
      const isDue = clock.elapsed() - one.lookedAtMs >= LOOK_AGAIN_MS;
      const last = reached === undefined || isDue ? await look(campaignId, one) : reached;
      const to = Math.min(last, one.ordered + ENTRIES_MAX);
      if (to > one.ordered) noted.set(campaignId, { campaignId, from: one.ordered + 1, to });
      return last > to;
    },

    async write() {
      const parts = [...noted.values()];
      noted.clear();
      if (parts.length === 0) return true;
      let isFirst = false;
      try {
        isFirst = await feedOrder.append(parts);
      } finally {
        for (const { campaignId, to } of parts) {
          const one = known.get(campaignId);
          if (isFirst && one !== undefined) one.ordered = to;
          // Some of them may be written, by this process or by another: they are read again.
          if (!isFirst) known.delete(campaignId);
        }
      }
      return isFirst;
    },
  };
}
