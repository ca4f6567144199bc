import type { CampaignDoc } from "../record/documents.ts";
import type { IssuedRun, LogHead } from "../record/event-documents.ts";
import type { EventLog } from "../record/event-log.ts";
import type { Feeds } from "../record/feeds.ts";
import type { Issuances } from "../record/issuances.ts";
import type { IssuedRuns } from "../record/issued-runs.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { ENTRY_MAX } from "./arrange.ts";
import { appendPlace, createPlaceSet } from "./runs.ts";

/**
 * Finds issuances that became durable when later ones had been logged already: by count, and only where the
 * counts differ by comparing places. It should find none. A process that was stopped in the middle of an
 * insert, while its pool was rebuilt, causes one, and so may a MongoDB primary that lagged behind.
 */
export type LateIssues = {
  /** Whether it is time to count, although nothing has changed. */
  isDue(campaignId: string): boolean;
  /** The next time counts. */
  askFor(campaignId: string): void;
  /** Some issuances up to the head that are not in the log, where it is time to count; else undefined. */
  find(campaign: CampaignDoc, head: LogHead): Promise<Late | undefined>;
  /** The log is complete, and its issuances were counted. */
  recordComplete(campaign: CampaignDoc, head: LogHead): Promise<void>;
};

export type Late = { readonly runs: IssuedRun[]; readonly count: number };

export type LateIssuesDeps = {
  readonly eventLog: Pick<EventLog, "from">;
  readonly feeds: Pick<Feeds, "recordComplete">;
  readonly issuances: Pick<Issuances, "placesInOrder">;
  readonly issuedRuns: Pick<IssuedRuns, "countUpTo">;
  readonly clock: Pick<Clock, "elapsed">;
  readonly logger: Logger;
};

/** To count a million issuances takes MongoDB a third of a second, so it is done rarely. */
const COUNT_AGAIN = { leastMs: 30_000, mostMs: 600_000 } as const;
/** A complete log: as often as its age doubles, for a day. */
const CHECK_AGAIN = { leastMs: 60_000, mostMs: 86_400_000 } as const;
const PLACES_PAGE = 5_000;
const ENTRIES_PAGE = 1_000;
const CAMPAIGNS_MAX = 10_000;

type Counted = {
  readonly atMs: number;
  readonly pauseMs: number;
  /** Of the head of the log. */
  readonly generation: number;
  /** Of the campaign. */
  readonly state: string;
};

export function createLateIssues(deps: LateIssuesDeps): LateIssues {
  const { eventLog, feeds, issuances, issuedRuns, clock } = deps;
  const logger = deps.logger.child({ component: "events" });
  const counted = new Map<string, Counted>();

  const isDue = (campaignId: string): boolean => {
    const last = counted.get(campaignId);
    return last === undefined || clock.elapsed() - last.atMs >= last.pauseMs;
  };

  function recordCount(campaignId: string, { generation }: LogHead, state: string): void {
    const last = counted.get(campaignId);
    if (counted.size >= CAMPAIGNS_MAX) counted.clear();
    const { leastMs, mostMs } = COUNT_AGAIN;
    const pauseMs = last === undefined ? leastMs : Math.min(mostMs, last.pauseMs * 2);
    counted.set(campaignId, { atMs: clock.elapsed(), pauseMs, generation, state });
  }

  /** Issuances up to the head that are not in the log, at most an entry of them. */
  async function compare(campaignId: string, head: LogHead): Promise<Late> {
    const logged = createPlaceSet();
    let entries = await eventLog.from(campaignId, 1, ENTRIES_PAGE);
    while (entries.length > 0) {
      for (const entry of entries)
        if (entry.kind !== "changes") for (const run of entry.runs) logged.add(run);
      const next = (entries.at(-1)?.n ?? 0) + 1;
      entries = entries.length < ENTRIES_PAGE ? [] : await eventLog.from(campaignId, next, ENTRIES_PAGE);
    }
    const late = { runs: [] as IssuedRun[], count: 0 };
    const below = { generation: head.generation, seq: head.seq + 1 };
    let places = await issuances.placesInOrder(campaignId, undefined, PLACES_PAGE, below);
    while (places.length > 0 && late.count < ENTRY_MAX) {
      for (const place of places) {
        if (logged.has(place) || late.count === ENTRY_MAX) continue;
        appendPlace(late.runs, place);
        late.count++;
      }
      const isLast = places.length < PLACES_PAGE;
      places = isLast ? [] : await issuances.placesInOrder(campaignId, places.at(-1), PLACES_PAGE, below);
    }
    return late;
  }

  return {
    isDue,
    askFor: (campaignId) => void counted.delete(campaignId),

    async find({ _id: campaignId, state }, head) {
      const last = counted.get(campaignId);
      const isSame = last?.generation === head.generation && last.state === state;
      if (head.generation === 0 || (isSame && !isDue(campaignId))) return undefined;
      const issued = await issuedRuns.countUpTo(campaignId, head);
      const differs = issued - head.issued;
      if (differs > 0) {
        const late = await compare(campaignId, head);
        logger.warn({ campaign: campaignId, late: late.count }, "issuances became durable late: logged now");
        if (late.count > 0) return late;
      }
      recordCount(campaignId, head, state);
      if (differs !== 0)
        logger.error(
          { campaign: campaignId, issued, logged: head.issued },
          "the event log has other coupons",
        );
      return undefined;
    },

    async recordComplete({ _id: campaignId, revision = 0 }, { issued }) {
      await feeds.recordComplete(campaignId, { revision, issued }, CHECK_AGAIN);
    },
  };
}
