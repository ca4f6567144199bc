import { type Alarm, coarseAlarm } from "../../callers/alarm.ts";
import { answerOf, ISSUE_PATH } from "../../callers/http-client.ts";
import { runOpenLoop } from "../../callers/open-loop.ts";
import { arrivalsOf, epochOfPerformanceMs, issueBody } from "./arrivals.ts";
import type { BurstJob, CallerJob, CallerReport, OpenLoopJob, Seen } from "./caller-jobs.ts";
import type { LightAnswer, LightClient } from "./light-client.ts";
import { runCrowd } from "./run-crowd.ts";

/** An answer that is not parsed yet: that is done when the load is over. */
type Raw = Omit<Seen, "outcome"> & { readonly campaignId: string; readonly answer: LightAnswer };

/** How long the load waits for outstanding answers after the last caller was due. */
const PATIENCE_MS = 10_000;
const IN_FLIGHT_MAX = 50_000;

/** Runs a job with a client of its service; throws where a caller had no answer. */
export function runCallers(
  job: CallerJob,
  client: LightClient,
  alarm = coarseAlarm(),
): Promise<CallerReport> {
  switch (job.kind) {
    case "burst":
      return runBurst(job, client);
    case "crowd":
      return runCrowd(job, client, alarm);
    case "open-loop":
      return runStreams(job, client, alarm);
    default:
      return job satisfies never;
  }
}

async function runStreams(
  { streams }: OpenLoopJob,
  client: LightClient,
  alarm: Alarm,
): Promise<CallerReport> {
  const epochMs = epochOfPerformanceMs();
  const callers = arrivalsOf(streams, epochMs);
  const raw: Raw[] = [];
  const startedMs = performance.now();
  const { worstLagMs, finished } = await runOpenLoop({
    dueMs: callers.map(({ dueMs }) => dueMs),
    inFlightMax: IN_FLIGHT_MAX,
    alarm,
    endsAtMs: (callers.at(-1)?.dueMs ?? startedMs) + PATIENCE_MS,
    async launch(index, dueMs) {
      const caller = callers[index];
      if (caller === undefined) return;
      const { stream, campaignId, body } = caller;
      const answer = await client.post(ISSUE_PATH, body);
      const nowMs = performance.now();
      raw.push({ stream, campaignId, answer, latencyMs: nowMs - dueMs, answeredAtMs: epochMs + nowMs });
    },
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  if (finished !== callers.length)
    throw new Error(`${callers.length - finished} of ${callers.length} callers had no answer in time`);
  return { seen: raw.map(told), seconds, worstLagMs };
}

async function runBurst(job: BurstJob, client: LightClient): Promise<CallerReport> {
  const { campaignId, userPrefix, users, connections } = job;
  const epochMs = epochOfPerformanceMs();
  const bodies = Array.from({ length: users }, (_, index) => issueBody(campaignId, `${userPrefix}${index}`));
  const raw: Raw[] = [];
  let next = 0;
  const oneConnection = async () => {
    for (let body = bodies[next]; body !== undefined; body = bodies[next]) {
      next += 1;
      const sentMs = performance.now();
      const answer = await client.post(ISSUE_PATH, body);
      const nowMs = performance.now();
      raw.push({
        ...{ stream: 0, campaignId, answer },
        ...{ latencyMs: nowMs - sentMs, answeredAtMs: epochMs + nowMs },
      });
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, oneConnection));
  return { seen: raw.map(told), seconds: (performance.now() - startedMs) / 1_000, worstLagMs: 0 };
}

function told({ campaignId, answer, ...rest }: Raw): Seen {
  return { ...rest, outcome: answerOf(answer.status, answer.body, campaignId).outcome };
}
