import type { Db } from "mongodb";
import { settleMsOf } from "../campaign/settled-issues.ts";
import { createAllLogs } from "../events/all-logs.ts";
import { createFeed } from "../events/feed.ts";
import { createFeedReader } from "../events/feed-reader.ts";
import { createLateIssues } from "../events/late-issues.ts";
import { createLogOrder } from "../events/log-order.ts";
import { createLogReader } from "../events/log-reader.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import { createDeadLetters } from "../record/dead-letters.ts";
import { createEventLog } from "../record/event-log.ts";
import { createFeedOrder } from "../record/feed-order.ts";
import { createFeeds } from "../record/feeds.ts";
import type { History } from "../record/history.ts";
import type { Issuances } from "../record/issuances.ts";
import { createIssuedRuns } from "../record/issued-runs.ts";
import { createSinkCursors } from "../record/sink-cursors.ts";
import { createSinkLeases } from "../record/sink-leases.ts";
import { createSinks } from "../record/sinks.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";

export type EventPartsDeps = {
  readonly db: Db;
  readonly pool: Pick<Pool, "frontier">;
  readonly campaigns: Campaigns;
  readonly history: History;
  readonly issuances: Issuances;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
  readonly leaseMs: number;
  readonly commitDeadlineMs: number;
};

/** What the event feed of a process consists of, for its deliveries and for those who follow it. */
export type EventParts = ReturnType<typeof createEventParts>;

export function createEventParts(deps: EventPartsDeps) {
  const { db, history, commitDeadlineMs } = deps;
  const records = {
    eventLog: createEventLog(db),
    feeds: createFeeds(db),
    feedOrder: createFeedOrder(db),
    issuedRuns: createIssuedRuns(db),
    sinks: createSinks(db),
    leases: createSinkLeases(db),
    cursors: createSinkCursors(db),
    deadLetters: createDeadLetters(db),
  };
  const lateIssues = createLateIssues({ ...deps, ...records });
  const settleMs = settleMsOf(commitDeadlineMs);
  const feed = createFeed({ ...deps, ...records, lateIssues, settleMs });
  const logReader = createLogReader({ ...records, history });
  const logOrder = createLogOrder({ ...deps, ...records });
  return {
    ...records,
    ...{ lateIssues, feed, logReader },
    allLogs: createAllLogs({ ...deps, ...records, lateIssues, feed, logOrder }),
    feedReader: createFeedReader({ ...deps, ...records, logReader }),
  };
}
