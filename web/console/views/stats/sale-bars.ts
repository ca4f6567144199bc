import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { GetCampaignStatsResponse } from "../../../../proto/gen/coupon/v1/stats_pb.ts";

/** A bar of the chart: coupons that were issued in a bucket of time. */
export type Bar = {
  /** After the start; the bucket is `bucketMs` long. */
  readonly fromMs: number;
  readonly issued: number;
};

export function barsOf({ issuedPerBucket, firstBucketMs, bucketMs }: GetCampaignStatsResponse): Bar[] {
  return issuedPerBucket.map((issued, bucket) => ({
    fromMs: Number(firstBucketMs) + bucket * bucketMs,
    issued,
  }));
}

/** A first coupon that comes so much later than the start is what the bars are counted from. */
const FAR_MS = 60_000;

/** From where the axis of the bars counts, after the start: the start itself, or a first bar far from it. */
export function baseMsOf({ firstBucketMs }: GetCampaignStatsResponse): number {
  const firstMs = Number(firstBucketMs);
  return Math.abs(firstMs) < FAR_MS ? 0 : firstMs;
}

/**
 * Columns for uPlot: the middle of each bucket, in seconds after the base, and its coupons. An empty bucket
 * at each end leaves room for the first and the last bar.
 */
export function barColumns(answer: GetCampaignStatsResponse): [number[], number[]] {
  const { bucketMs } = answer;
  const baseMs = baseMsOf(answer);
  const bars = barsOf(answer);
  const first = bars[0]?.fromMs ?? 0;
  const last = bars.at(-1)?.fromMs ?? 0;
  const edged = [{ fromMs: first - bucketMs, issued: 0 }, ...bars, { fromMs: last + bucketMs, issued: 0 }];
  return [
    edged.map(({ fromMs }) => (fromMs - baseMs + bucketMs / 2) / 1_000),
    edged.map(({ issued }) => issued),
  ];
}

/** The lengths of a bucket that may be chosen; 0: the service chooses. */
export const BUCKETS_MS = [0, 10, 100, 1_000, 10_000, 60_000] as const;
export type BucketMs = (typeof BUCKETS_MS)[number];

/** How many buckets of a chosen length are asked for: as many as the service allows, and a chart can show. */
export const BUCKETS_MAX = 600;

/** The busiest second: its coupons, and when it began after the start; undefined: nothing was issued. */
export function fastestOf({ peakPerSecond, peakAt, campaign }: GetCampaignStatsResponse) {
  if (peakAt === undefined || campaign?.startsAt === undefined) return undefined;
  return { issued: peakPerSecond, fromMs: timestampMs(peakAt) - timestampMs(campaign.startsAt) };
}

/**
 * 950 → 950 ms, 1500 → 1.5 s, 90000 → 1 min 30 s: as numbers with their units, for the page to put into
 * words. At most two units.
 */
export function durationParts(ms: number): { readonly value: number; readonly unit: DurationUnit }[] {
  const size = Math.abs(ms);
  const sign = ms < 0 ? -1 : 1;
  if (size < 1_000) return [{ value: Math.round(ms), unit: "ms" }];
  if (size < 59_995) return [{ value: (sign * Math.round(size / 10)) / 100, unit: "s" }];
  const seconds = Math.round(size / 1_000);
  const units: readonly [DurationUnit, number][] = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ];
  const at = units.findIndex(([, length]) => seconds >= length);
  const [big, small] = [units[at], units[at + 1]];
  if (big === undefined) return [];
  const parts = [{ value: sign * Math.floor(seconds / big[1]), unit: big[0] }];
  const left = small === undefined ? 0 : Math.floor((seconds % big[1]) / small[1]);
  return small === undefined || left === 0 ? parts : [...parts, { value: left, unit: small[0] }];
}

export type DurationUnit = "ms" | "s" | "min" | "h" | "d";
