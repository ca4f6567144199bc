/**
 * Callers outside: users that arrive by the clock and ask through haproxy until each has a definite answer.
 * Half of them have a connection of their own, the others share kept ones. SIGTERM: nobody else comes.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createHistoryWriter, type Outcome } from "../../../audit/history.ts";
import { type Answer, unknownAnswer } from "../../../callers/answer.ts";
import { answerOf, ISSUE_PATH } from "../../../callers/http-client.ts";
import { runOpenLoop } from "../../../callers/open-loop.ts";
import { percentilesOf } from "../../../callers/percentiles.ts";
import { createPresser, isDefinite } from "../../../callers/press.ts";
import {
  type CallPlan,
  type CallReport,
  NO_ANSWER,
  PLAN_SETTING,
  PROXY_ANSWER,
  REPORT,
} from "./call-plan.ts";

const EARLY_MS = 300;
const LONGEST_MS = 400_000;
const KEPT_MAX = 128;
const IN_FLIGHT_MAX = 3_000;
/** Longer than the service's own deadline (ISSUE_DEADLINE_MS). */
const TRY_TIMEOUT_MS = 9_000;
const PATIENCE_MS = 90_000;
/** One user in so many presses again later, with the same key. */
const AGAIN_EACH = 8;
const AGAIN_WITHIN_MS = 1_500;

const plan = JSON.parse(process.env[PLAN_SETTING] ?? "") as CallPlan;
const target = new URL(ISSUE_PATH, plan.url);
const kept = new Agent({ keepAlive: true, maxSockets: KEPT_MAX, scheduling: "lifo" });
const history = createHistoryWriter(plan.historyFile);
const enough = new AbortController();
process.once("SIGTERM", () => enough.abort());

const numberOf = (userId: string) => Number(userId.slice(plan.userPrefix.length));

/** Half of each kind name their request, so that haproxy may send it again. */
function ask(campaignId: string, userId: string, timeoutMs: number): Promise<Answer> {
  const number = numberOf(userId);
  const named = number % 4 < 2 ? { requestId: `${userId}-request` } : {};
  const body = Buffer.from(JSON.stringify({ campaignId, userId, ...named }));
  const headers = { "content-type": "application/json", "content-length": body.length };
  return new Promise((resolve) => {
    const settle = (answer: Answer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    const failed = (error: Error) => settle(unknownAnswer(`${NO_ANSWER}: ${error.message}`));
    const sent = request(
      target,
      { agent: number % 2 === 0 ? kept : false, method: "POST", headers },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", failed);
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          const isOurs = response.headers["content-type"]?.startsWith("application/json") === true;
          if (!response.complete) failed(new Error("cut short"));
          else if (!isOurs) settle(unknownAnswer(`${PROXY_ANSWER}: HTTP ${status}`));
          else settle(answerOf(status, Buffer.concat(parts).toString(), campaignId));
        });
      },
    );
    const timer = setTimeout(() => sent.destroy(new Error("timed out")), timeoutMs);
    sent.on("error", failed);
    sent.end(body);
  });
}

const press = createPresser({
  ...{ ask, campaignId: plan.campaignId, triesInFlightMax: IN_FLIGHT_MAX },
  ...{ tryTimeoutMs: TRY_TIMEOUT_MS, patienceMs: PATIENCE_MS, random: Math.random },
  record: history.write,
});
const isEarly = (outcome: Outcome) => outcome.kind === "refused" && outcome.reason === "NOT_STARTED";
const latenciesMs: number[] = [];
let users = 0;
let unanswered = 0;

async function live(index: number): Promise<void> {
  users += 1;
  const userId = `${plan.userPrefix}${index}`;
  const pressedMs = performance.now();
  let { outcome } = await press(userId);
  if (Date.now() > plan.startsAtMs) latenciesMs.push(performance.now() - pressedMs);
  while (isEarly(outcome)) {
    await sleep(Math.max(0, plan.startsAtMs - Date.now()) + 5 + 30 * Math.random());
    ({ outcome } = await press(userId));
  }
  if (!isDefinite(outcome)) unanswered += 1;
  if (index % AGAIN_EACH === 0) {
    await sleep(Math.random() * AGAIN_WITHIN_MS);
    await press(userId);
  }
}

const firstMs = performance.now() + plan.startsAtMs - EARLY_MS - Date.now();
const underWay = new Set<Promise<void>>();
const { heldBack, worstLagMs } = await runOpenLoop({
  dueMs: Array.from(
    { length: Math.ceil((LONGEST_MS / 1_000) * plan.ratePerSecond) },
    (_, i) => firstMs + (i * 1_000) / plan.ratePerSecond,
  ),
  launch(index) {
    const living = live(index).finally(() => underWay.delete(living));
    underWay.add(living);
    return living;
  },
  ...{ inFlightMax: IN_FLIGHT_MAX, endsAtMs: firstMs + LONGEST_MS, signal: enough.signal },
});
await Promise.all(underWay);
kept.destroy();
await history.close();
const latencies = percentilesOf(latenciesMs);
const report: CallReport = {
  ...{ users, unanswered, heldBack, worstLagMs },
  ...{ p50Ms: latencies.at(50), p99Ms: latencies.at(99) },
};
process.stdout.write(`${REPORT}${JSON.stringify(report)}\n`);
