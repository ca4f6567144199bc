import type { WatchCampaignResponse } from "../../../../proto/gen/coupon/v1/campaign_service_pb.ts";

/** What the chart shows of one message; null: not known. */
export type TrafficPoint = {
  /** On the server's clock. */
  readonly atMs: number;
  readonly issuedPerSecond: number | null;
  readonly refusedPerSecond: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
};

/** A message as the watched campaign keeps it. */
export type TrafficSample = {
  /** On the server's clock. */
  readonly atMs: number;
  readonly message: Pick<WatchCampaignResponse, "issuedPerSecond" | "traffic">;
  /** Whether it is the first message of its stream, which has no rate of issuing yet. */
  readonly isFirst?: boolean;
};

/** Without a message for so long, the line of the chart is broken. */
export const GAP_MS = 5_000;

/** The points of the messages in order of time, with a point without values where the stream was broken. */
export function pointsOf(samples: readonly TrafficSample[]): TrafficPoint[] {
  const points: TrafficPoint[] = [];
  for (const { atMs: sampledMs, message, isFirst } of samples) {
    const last = points.at(-1);
    // Another server's clock may be a little behind: a chart needs times that rise.
    const atMs = Math.max(sampledMs, (last?.atMs ?? 0) + 1);
    const { traffic, issuedPerSecond } = message;
    if (last !== undefined && atMs - last.atMs > GAP_MS) points.push(unknownAt((last.atMs + atMs) / 2));
    points.push({
      atMs,
      issuedPerSecond: isFirst === true ? null : issuedPerSecond,
      refusedPerSecond: traffic === undefined ? null : refusedPerSecond(traffic.outcomes),
      p50Ms: traffic?.p50Ms ?? null,
      p99Ms: traffic?.p99Ms ?? null,
    });
  }
  return points;
}

function unknownAt(atMs: number): TrafficPoint {
  return { atMs, issuedPerSecond: null, refusedPerSecond: null, p50Ms: null, p99Ms: null };
}

/** Outcomes of a claim that got its coupon; every other outcome is a refusal. */
const GOT_COUPON: readonly string[] = ["issued", "replayed"];

type Rate = { readonly outcome: string; readonly perSecond: number };

export function refusedPerSecond(outcomes: readonly Rate[]): number {
  return outcomes.reduce(
    (sum, { outcome, perSecond }) => (GOT_COUPON.includes(outcome) ? sum : sum + perSecond),
    0,
  );
}

/** Columns for uPlot: the times in seconds, then each value. */
export function columnsOf(points: readonly TrafficPoint[], names: readonly (keyof TrafficPoint)[]) {
  const times = points.map(({ atMs }) => atMs / 1_000);
  return [times, ...names.map((name) => points.map((point) => point[name]))] as [
    number[],
    ...(number | null)[][],
  ];
}

/** Some seconds of the chart in figures, for those who read a table instead. */
export type TrafficRow = TrafficPoint & { readonly toMs: number };

/**
 * Rows of `rowMs` each, newest first, at most `rowsMax`: mean rates, and the highest latencies. Rows begin at
 * multiples of `rowMs`; those without a point are left out.
 */
export function rowsOf(points: readonly TrafficPoint[], rowMs: number, rowsMax: number): TrafficRow[] {
  const byRow = new Map<number, TrafficPoint[]>();
  for (const point of points) {
    const fromMs = Math.floor(point.atMs / rowMs) * rowMs;
    const row = byRow.get(fromMs) ?? [];
    row.push(point);
    byRow.set(fromMs, row);
  }
  return [...byRow]
    .slice(-rowsMax)
    .reverse()
    .map(([fromMs, row]) => ({
      ...{ atMs: fromMs, toMs: fromMs + rowMs },
      issuedPerSecond: meanOf(row, "issuedPerSecond"),
      refusedPerSecond: meanOf(row, "refusedPerSecond"),
      p50Ms: mostOf(row, "p50Ms"),
      p99Ms: mostOf(row, "p99Ms"),
    }));
}

function knownOf(points: readonly TrafficPoint[], name: keyof TrafficPoint): number[] {
  return points.map((point) => point[name]).filter((value) => value !== null);
}

function meanOf(points: readonly TrafficPoint[], name: keyof TrafficPoint): number | null {
  const known = knownOf(points, name);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function mostOf(points: readonly TrafficPoint[], name: keyof TrafficPoint): number | null {
  const known = knownOf(points, name);
  return known.length === 0 ? null : Math.max(...known);
}

/** The highest rate of issuing in the chart; undefined: none is known or all are 0. */
export function peakOf(points: readonly TrafficPoint[]): TrafficPoint | undefined {
  let best: TrafficPoint | undefined;
  for (const point of points) if ((point.issuedPerSecond ?? 0) > (best?.issuedPerSecond ?? 0)) best = point;
  return best;
}
