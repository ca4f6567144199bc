import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ISSUE_PATH } from "../../callers/http-client.ts";
import { percentilesOf } from "../../callers/percentiles.ts";
import { createLightClient } from "../load/light-client.ts";
import { Trouble } from "../trouble.ts";

export type HerdPlan = {
  readonly baseUrl: string;
  readonly campaignId: string;
  readonly startsAtMs: number;
  readonly callers: number;
  /** Each asks once within so long before the start. */
  readonly earlyMs: number;
  readonly connections: number;
  readonly signal: AbortSignal;
};

/**
 * Times in ms; `firstMs`, of the caller with a thread of its own, and `lastMs` count from the start.
 */
export type HerdResult = {
  /** The most callers that came back, and requests that were sent, in any 10 ms. */
  readonly peakDue: number;
  readonly peakSent: number;
  readonly won: number;
  /** Of those who got a coupon, from the instant at which they were told to come back to the answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstMs: number;
  readonly lastMs: number;
};

const PEAK_MS = 10;
/** A service that no longer answers ends the run. */
const HANG_MS = 60_000;
const nowMs = () => performance.timeOrigin + performance.now();

/** Each caller asks early, once, and comes back exactly when it is told, until its answer is final. */
export async function runHerd(plan: HerdPlan): Promise<HerdResult> {
  const { campaignId, startsAtMs, callers, earlyMs, signal } = plan;
  const client = createLightClient(plan.baseUrl, plan.connections);
  const due: number[] = [];
  const sent: number[] = [];
  const waits: number[] = [];
  const answered: number[] = [];
  const firstCaller = startFirstCaller(plan);
  /** Soonest first once the start comes; callers that are told to come once more are put in their place. */
  let waiting: { readonly user: number; readonly atMs: number }[] = [];
  let left = callers;

  async function ask(user: number, atMs: number): Promise<void> {
    if (atMs >= startsAtMs) {
      due.push(atMs);
      sent.push(nowMs());
    }
    const { status, body } = await client.post(
      ISSUE_PATH,
      JSON.stringify({ campaignId, userId: `user-${user}`, requestId: `user-${user}` }),
    );
    const doneMs = nowMs();
    const retryAfterMs = Number(/"retryAfterMs":"(\d+)"/.exec(body)?.[1] ?? 0);
    if (status === 0) throw new Trouble(`no answer: ${body}`);
    if (status !== 200 && retryAfterMs > 0) {
      const one = { user, atMs: doneMs + retryAfterMs };
      const at = waiting.findIndex(({ atMs: other }) => other > one.atMs);
      if (at < 0 || doneMs < startsAtMs) waiting.push(one);
      else waiting.splice(at, 0, one);
      return;
    }
    left -= 1;
    answered.push(doneMs);
    if (status !== 200) return;
    waits.push(doneMs - atMs);
  }

  let failure: unknown;
  let firstMs = Number.NaN;
  const start = (user: number, atMs: number) =>
    void ask(user, atMs).catch((error: unknown) => {
      failure ??= error;
    });
  try {
    for (let user = 0; user < callers && failure === undefined; await sleep(1, undefined, { signal })) {
      const passedMs = nowMs() - (startsAtMs - earlyMs);
      // They stop a second before the start, so that each has been told.
      const wanted = Math.min(callers, Math.floor((passedMs / (earlyMs - 1_000)) * callers));
      for (; user < wanted; user++) start(user, nowMs());
    }
    while (waiting.length < left && failure === undefined && nowMs() < startsAtMs)
      await sleep(10, undefined, { signal });
    waiting = waiting.sort((one, other) => one.atMs - other.atMs);
    while (left > 0 && failure === undefined) {
      if (nowMs() > startsAtMs + HANG_MS) throw new Trouble(`${left} callers have no answer`);
      let ready = 0;
      while ((waiting[ready]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs()) ready += 1;
      for (const { user, atMs } of waiting.splice(0, ready)) start(user, atMs);
      await sleep(1, undefined, { signal });
    }
    if (failure !== undefined) throw failure;
    firstMs = await firstCaller.firstMs;
  } finally {
    await firstCaller.end();
    client.close();
  }
  const winners = percentilesOf(waits);
  return {
    ...{ peakDue: peakOf(due), peakSent: peakOf(sent), won: winners.count },
    ...{ p50Ms: winners.at(50), p99Ms: winners.at(99), firstMs },
    lastMs: answered.reduce((last, one) => Math.max(last, one), 0) - startsAtMs,
  };
}

/** The most of these instants within any PEAK_MS. */
function peakOf(instants: readonly number[]): number {
  const sorted = Float64Array.from(instants).sort();
  let peak = 0;
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= PEAK_MS) from += 1;
    peak = Math.max(peak, to - from + 1);
  }
  return peak;
}

/**
 * Its coupon is the first one, or among the first: it comes at the start, as the first of a herd are told to.
 */
function startFirstCaller({ baseUrl, campaignId, startsAtMs }: HerdPlan) {
  const { hostname: host, port } = new URL(baseUrl);
  const workerData = { host, port: Number(port), path: ISSUE_PATH, campaignId, startsAtMs };
  const thread = new Worker(new URL("first-thread.mjs", import.meta.url), { workerData });
  const firstMs = once(thread, "message").then(
    ([told]: { firstMs: number }[]) => told?.firstMs ?? Number.NaN,
  );
  // A failure of the thread is thrown where its answer is awaited.
  firstMs.catch(() => undefined);
  return { firstMs, end: () => thread.terminate() };
}
