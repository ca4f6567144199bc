import type { Seen } from "../load/caller-jobs.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark } from "./benchmark.ts";
import { campaignAt, issuedOf } from "./campaigns.ts";
import { median } from "./compare.ts";

const CAMPAIGNS = 30;
const COUPONS = 100;
/**
 * The time from instant to instant: no divisor of a second, so that the instants are spread over the time
 * between the scheduler's ticks.
 */
const APART_MS = 837;
/** The time before the first instant, in which all codes must be made and loaded. */
const LEAD_MS = 8_000;
/**
 * Callers press from so long before each instant to so long after it, one a millisecond: a later first coupon
 * is the service's delay.
 */
const PRESS_MS = 200;
const PRESSES_A_SECOND = 1_000;
const CONNECTIONS = 256;

/** How long after its instant a campaign gave its first coupon, in ms. */
export type Lateness = {
  /** By the instant in the coupon; whole milliseconds. */
  readonly onRecordMs: number;
  /** By the callers' clock when the first answer with a coupon had arrived. */
  readonly toCallerMs: number;
};

/** @throws Trouble where a coupon is early, or their number is not `coupons` */
export function latenessOf(startsAtMs: number, seen: readonly Seen[], coupons: number): Lateness {
  const codes = new Set<string>();
  let [issuedAtMs, answeredAtMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { outcome, answeredAtMs: atMs } of seen) {
    if (outcome.kind === "unknown") throw new Trouble(`a caller had no answer: ${outcome.message}`);
    if (outcome.kind === "refused") continue;
    codes.add(outcome.code);
    issuedAtMs = Math.min(issuedAtMs, outcome.issuedAtMs);
    answeredAtMs = Math.min(answeredAtMs, atMs);
  }
  if (codes.size !== coupons) throw new Trouble(`${codes.size} different coupons instead of ${coupons}`);
  const lateness = { onRecordMs: issuedAtMs - startsAtMs, toCallerMs: answeredAtMs - startsAtMs };
  if (lateness.onRecordMs < 0 || lateness.toCallerMs < 0)
    throw new Trouble(`a coupon was early: ${JSON.stringify(lateness)}`);
  return lateness;
}

export const opening: Benchmark = {
  name: "opening",
  what: `${CAMPAIGNS} campaigns open one after another under 1,000 callers a second: first coupon minus the instant`,
  effort: { rounds: 1, seconds: 1 },
  async run({ ground, callers, signal }) {
    const firstMs = Date.now() + LEAD_MS;
    const starts = Array.from({ length: CAMPAIGNS }, (_, index) => firstMs + index * APART_MS);
    const ids = await Promise.all(
      starts.map((startsAtMs) => campaignAt(ground, { total: COUPONS, startsAtMs }, signal)),
    );
    const leftMs = firstMs - PRESS_MS - Date.now();
    if (leftMs < 0) throw new Trouble(`the codes of ${CAMPAIGNS} campaigns were made ${-leftMs} ms too late`);
    const streams = ids.map((campaignId, index) => ({
      ...{ campaignId, userPrefix: "p", seed: 0, spacing: "even" as const, perSecond: PRESSES_A_SECOND },
      fromMs: (starts[index] ?? Number.NaN) - PRESS_MS,
      count: (2 * PRESS_MS * PRESSES_A_SECOND) / 1_000,
    }));
    const { baseUrl } = ground.service;
    const { seen, worstLagMs } = await callers.run(
      { kind: "open-loop", baseUrl, connections: CONNECTIONS, streams },
      signal,
    );
    const late: Lateness[] = [];
    for (const [index, campaignId] of ids.entries()) {
      const own = seen.filter(({ stream }) => stream === index);
      late.push(latenessOf(starts[index] ?? Number.NaN, own, COUPONS));
      const issued = await issuedOf(ground, campaignId);
      if (issued !== COUPONS) throw new Trouble(`${issued} coupons on record instead of ${COUPONS}`);
    }
    const onRecord = late.map(({ onRecordMs }) => onRecordMs);
    const toCaller = late.map(({ toCallerMs }) => toCallerMs);
    return {
      figures: [
        { name: "opening_p50", value: median(onRecord), unit: "ms" },
        { name: "opening_worst", value: Math.max(...onRecord), unit: "ms" },
        { name: "opening_caller_p50", value: median(toCaller), unit: "ms" },
        { name: "opening_caller_worst", value: Math.max(...toCaller), unit: "ms" },
        // The machine's part: how late the load started a caller at worst.
        { name: "opening_callers_lag", value: worstLagMs, unit: "ms" },
        { name: "opening_first_campaign", value: toCaller[0] ?? Number.NaN, unit: "ms" },
      ],
      curves: [
        {
          name: "opening_lateness",
          unit: "ms",
          places: late.map((_, index) => String(index + 1)),
          series: [
            { name: "as its caller saw it", values: ascending(toCaller) },
            { name: "on record", values: ascending(onRecord) },
          ],
        },
      ],
    };
  },
};

const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
