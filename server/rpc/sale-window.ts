/** Which part of a sale is shown, and in how many pieces. */
export type SaleWindow = {
  /** How long after the start the first bucket begins. */
  readonly fromMs: number;
  readonly bucketMs: number;
  readonly buckets: number;
};

/** The window that the request asks for; 0: chosen to fit the sale. */
export type AskedWindow = { readonly bucketMs: number; readonly buckets: number };

/** When the first coupon was issued, and by when most were, in ms after the start. */
export type SaleExtent = { readonly firstMs: number; readonly mostByMs: number };

export const BUCKETS_MAX = 1_000;
const bucketsChosen = 40;
/** The length of a bucket for a campaign without issuances. */
const bucketMsOfNothing = 1_000;

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
/** Round lengths, which people read easily. */
const ROUND_MS: readonly number[] = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 5, 10, 20].map((n) => n * day),
];
export const BUCKET_MS_MAX = 20 * day;

/**
 * The window that shows the sale: from the start on, so that a late opening is visible; or from the first
 * coupon on, where the time before it would fill more than half of the window, or all of the one asked for.
 */
export function saleWindow(asked: AskedWindow, extent: SaleExtent | undefined): SaleWindow {
  const firstMs = Math.max(0, extent?.firstMs ?? 0);
  const mostByMs = Math.max(firstMs, extent?.mostByMs ?? 0);
  const isFixed = asked.bucketMs > 0 && asked.buckets > 0;
  const longestMs = asked.bucketMs > 0 ? asked.bucketMs * (asked.buckets || BUCKETS_MAX) : Infinity;
  const isMostlyBefore = !isFixed && firstMs > mostByMs - firstMs && firstMs >= second;
  const startsLate = isMostlyBefore || firstMs >= longestMs;
  const fromFor = (bucketMs: number) => (startsLate ? Math.floor(firstMs / bucketMs) * bucketMs : 0);
  const bucketsFor = (bucketMs: number) => Math.floor((mostByMs - fromFor(bucketMs)) / bucketMs) + 1;
  const chosen = asked.buckets > 0 ? asked.buckets : bucketsChosen;
  const round = ROUND_MS.find((ms) => bucketsFor(ms) <= chosen) ?? BUCKET_MS_MAX;
  const bucketMs = asked.bucketMs > 0 ? asked.bucketMs : extent === undefined ? bucketMsOfNothing : round;
  const needed = asked.bucketMs > 0 ? Math.min(BUCKETS_MAX, bucketsFor(bucketMs)) : chosen;
  return { fromMs: fromFor(bucketMs), bucketMs, buckets: asked.buckets > 0 ? asked.buckets : needed };
}
