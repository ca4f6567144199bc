import { percentilesOf } from "../../../callers/percentiles.ts";
import type { CallerReport, Seen } from "../../load/caller-jobs.ts";

/** What came of one step's callers. Latencies are those of callers with a coupon, in ms. */
export type Wave = {
  /** Coupons answered a second, from the instant until the last caller was due and had come. */
  readonly goodput: number;
  /** Requests that the callers wrote a second, from the first to the last. */
  readonly sentPerSecond: number;
  /** From the due time. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** From the writing of the request: without the callers' own delay. */
  readonly writtenP99Ms: number;
  /** How many requests were refused, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Callers whose connection ended before an answer. */
  readonly broken: number;
  /** Callers who asked and left without an answer. */
  readonly unanswered: number;
  /** Callers who did not come to ask. */
  readonly unsent: number;
  /** When the last answer came, or the last caller was due: ms since the Unix epoch. */
  readonly endMs: number;
};

type Instants = { readonly startsAtMs: number; readonly lastDueMs: number };

export function waveOf({ seen, left }: CallerReport, { startsAtMs, lastDueMs }: Instants): Wave {
  const refusals: Record<string, number> = {};
  const winners: Seen[] = [];
  let broken = 0;
  let [firstSentMs, lastSentMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [lastCameMs, endMs] = [lastDueMs, lastDueMs];
  for (const one of seen) {
    const { outcome, answeredAtMs } = one;
    const sentMs = answeredAtMs - writtenMs(one);
    firstSentMs = Math.min(firstSentMs, sentMs);
    lastSentMs = Math.max(lastSentMs, sentMs);
    endMs = Math.max(endMs, answeredAtMs);
    if (one.isAgain !== true) lastCameMs = Math.max(lastCameMs, sentMs);
    if (outcome.kind === "issued") winners.push(one);
    else if (outcome.kind === "refused") refusals[outcome.reason] = (refusals[outcome.reason] ?? 0) + 1;
    else broken += 1;
  }
  const inTime = winners.filter(({ answeredAtMs }) => answeredAtMs <= lastCameMs).length;
  const latencies = percentilesOf(winners.map(({ latencyMs }) => latencyMs));
  return {
    goodput: (1_000 * inTime) / (lastCameMs - startsAtMs),
    sentPerSecond: seen.length < 2 ? 0 : (1_000 * (seen.length - 1)) / (lastSentMs - firstSentMs),
    p50Ms: latencies.at(50),
    p99Ms: latencies.at(99),
    p999Ms: latencies.at(99.9),
    writtenP99Ms: percentilesOf(winners.map(writtenMs)).at(99),
    refusals,
    broken,
    unanswered: left?.unanswered ?? 0,
    unsent: left?.unsent ?? 0,
    endMs,
  };
}

/** From the writing of a request to its answer. */
const writtenMs = ({ latencyMs, sentAfterMs = 0 }: Seen): number => latencyMs - sentAfterMs;
