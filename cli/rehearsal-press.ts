import { setMaxListeners } from "node:events";
import { createHistoryWriter, type HistoryEntry } from "../audit/history.ts";
import { planArrivals } from "../callers/arrivals.ts";
import { createHttpClient, KEY_SEPARATOR } from "../callers/http-client.ts";
import { pressAll, SOCKETS_MAX } from "../callers/pressing.ts";
import { createScoreboard, type Second } from "../callers/scoreboard.ts";
import { orUserError } from "./file-trouble.ts";
import { type RehearsalPlan, secondsBefore } from "./rehearsal-plan.ts";
import type { PressFacts } from "./rehearsal-report.ts";

export interface Pressing {
  readonly url: string;
  readonly campaignId: string;
  readonly onePerUser: boolean;
  /** More than 1: a claim key is of a user and a request. */
  readonly maxPerUser: number;
  readonly plan: RehearsalPlan;
  /** The `authorization` of each synthetic user; undefined: none. */
  readonly authorizationOf: ((userId: string) => string) | undefined;
  /** On the server's clock. */
  readonly startsAtMs: number;
  /** The server's clock minus this machine's clock. */
  readonly offsetMs: number;
  /** The path for the callers' records; called when all users have pressed. */
  readonly recordsFile: () => Promise<string>;
  readonly onSecond: (second: Second) => void;
  readonly signal: AbortSignal;
}

/** Synthetic users press by the clock, in an open loop: no user waits for another user's answer. */
export async function pressForCoupons(pressing: Pressing): Promise<PressFacts> {
  const { url, campaignId, onePerUser, maxPerUser, plan, offsetMs, onSecond, signal } = pressing;
  const { users, ratePerSecond, seed } = plan;
  // Each user that waits for its next try adds a listener.
  setMaxListeners(0, signal);
  const isOfBoth = maxPerUser > 1;
  const arrivals = planArrivals({ users, ratePerSecond, secondsBefore, seed }).map((arrival) =>
    isOfBoth ? { ...arrival, userId: `${arrival.userId}${KEY_SEPARATOR}1` } : arrival,
  );
  const { authorizationOf } = pressing;
  const startsAtMs = pressing.startsAtMs - offsetMs;
  const scoreboard = createScoreboard(startsAtMs);
  const history: HistoryEntry[] = [];
  const client = createHttpClient(
    url,
    SOCKETS_MAX,
    isOfBoth ? "both" : onePerUser ? "userId" : "requestId",
    authorizationOf && ((claimKey) => authorizationOf(claimKey.split(KEY_SEPARATOR, 1)[0] ?? "")),
  );
  try {
    const driven = await pressAll({
      ...{ ask: client.ask, campaignId, startsAtMs, arrivals, seed, history, scoreboard, onSecond, signal },
    });
    signal.throwIfAborted();
    await writeHistory(await pressing.recordsFile(), history, offsetMs);
    const latency = scoreboard.latencyAfterStart();
    return {
      presses: arrivals.length,
      latencyMs: { p50: latency.at(50), p99: latency.at(99), max: latency.at(100) },
      ...countAnswers(history),
      unanswered: scoreboard.unanswered() + arrivals.length - driven.finished,
      ownLagMs: driven.worstLagMs,
    };
  } finally {
    client.close();
  }
}

/** Writes the records with times on the server's clock, by which they are judged. */
async function writeHistory(file: string, history: readonly HistoryEntry[], offsetMs: number): Promise<void> {
  const write = async (): Promise<void> => {
    const writer = createHistoryWriter(file);
    for (const entry of history) {
      const { invokedAtMs, answeredAtMs } = entry;
      writer.write({ ...entry, invokedAtMs: invokedAtMs + offsetMs, answeredAtMs: answeredAtMs + offsetMs });
    }
    await writer.close();
  };
  await orUserError(file, write, "--history");
}

function countAnswers(history: readonly HistoryEntry[]) {
  const holders = new Set<string>();
  const refusals: Record<string, number> = {};
  let [again, unclear] = [0, 0];
  for (const { claimKey, outcome } of history) {
    if (outcome.kind === "unknown") unclear += 1;
    else if (outcome.kind === "refused") refusals[outcome.reason] = (refusals[outcome.reason] ?? 0) + 1;
    else if (holders.has(claimKey)) again += 1;
    else holders.add(claimKey);
  }
  return { issued: holders.size, again, unclear, refusals };
}
