import { setTimeout as sleep } from "node:timers/promises";
import type { Alarm } from "../../callers/alarm.ts";
import { answerOf, ISSUE_PATH } from "../../callers/http-client.ts";
import { runOpenLoop } from "../../callers/open-loop.ts";
import { until } from "../../local/poll.ts";
import { arrivalsOf, epochOfPerformanceMs } from "./arrivals.ts";
import type { CallerReport, CrowdJob, Seen } from "./caller-jobs.ts";
import type { LightAnswer, LightClient } from "./light-client.ts";

type Raw = Omit<Seen, "outcome"> & { readonly campaignId: string; readonly answer: LightAnswer };

/** Refusals of one reason are the same bytes for a millisecond: most need no reading. */
const READ_MOST = 10_000;
const UNAVAILABLE = 503;

/**
 * Callers of whom some may have no answer. Those whose turn for a connection never came are told apart from
 * those who asked: the former are the crowd's own delay, the latter the service's.
 */
export async function runCrowd(job: CrowdJob, client: LightClient, alarm: Alarm): Promise<CallerReport> {
  const epochMs = epochOfPerformanceMs();
  const arrivals = arrivalsOf(job.streams, epochMs);
  const raw: Raw[] = [];
  let [sent, came] = [0, 0];
  const startedMs = performance.now();
  const endsAtMs = (arrivals.at(-1)?.dueMs ?? startedMs) + job.sendWithinMs;
  const { worstLagMs } = await runOpenLoop({
    dueMs: arrivals.map(({ dueMs }) => dueMs),
    inFlightMax: Number.POSITIVE_INFINITY,
    alarm,
    endsAtMs,
    async launch(index, firstDueMs) {
      const arrival = arrivals[index];
      if (arrival === undefined) return;
      const { stream, campaignId, body } = arrival;
      // Each time that it asks is one of its own in the report, due when it was told to come.
      for (let dueMs = firstDueMs; ; ) {
        let sentAfterMs = Number.NaN;
        const answer = await client.post(ISSUE_PATH, body, () => {
          sent += 1;
          came += dueMs === firstDueMs ? 1 : 0;
          sentAfterMs = performance.now() - dueMs;
        });
        const nowMs = performance.now();
        const times = { latencyMs: nowMs - dueMs, sentAfterMs, answeredAtMs: epochMs + nowMs };
        raw.push({ stream, campaignId, answer, ...times, isAgain: dueMs !== firstDueMs });
        const againMs = job.asksAgain === true ? againAfterMs(answer, campaignId) : undefined;
        if (againMs === undefined || nowMs + againMs >= endsAtMs) return;
        dueMs = nowMs + againMs;
        await sleep(againMs);
      }
    },
  });
  client.dropWaiting();
  await until(() => raw.length === sent, job.answerWithinMs);
  const seconds = (performance.now() - startedMs) / 1_000;
  const answered = [...raw];
  const left = { unsent: arrivals.length - came, unanswered: sent - answered.length };
  client.close();
  return { seen: seenOf(answered), seconds, worstLagMs, left };
}

/** undefined: it does not ask again. */
function againAfterMs({ status, body }: LightAnswer, campaignId: string): number | undefined {
  if (status !== UNAVAILABLE) return undefined;
  const { outcome, retryAfterMs } = answerOf(status, body, campaignId);
  return outcome.kind === "refused" && outcome.reason === "OVERLOADED" ? retryAfterMs : undefined;
}

function seenOf(raw: readonly Raw[]): Seen[] {
  const known = new Map<string, Seen["outcome"]>();
  return raw.map(({ campaignId, answer: { status, body }, ...rest }) => {
    if (status === 200) return { ...rest, outcome: answerOf(status, body, campaignId).outcome };
    const key = `${status} ${body}`;
    const outcome = known.get(key) ?? answerOf(status, body, campaignId).outcome;
    if (known.size < READ_MOST) known.set(key, outcome);
    return { ...rest, outcome };
  });
}
