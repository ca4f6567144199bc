/**
 * Latencies counted in buckets that are an eighth of a millisecond wide below 1 ms and then four to each
 * doubling, up to 16 s: a quantile is right to within a fifth of itself. Counts only rise, so the difference
 * of two readings is what happened between them.
 */
export const LATENCY_BUCKETS = 64;

const UNITS_PER_MS = 8;
/** Below this many units, one bucket a unit. 2^3. */
const LINEAR_UNITS = 8;
const LINEAR_BITS = 3;
const PER_DOUBLING = 4;

/** Whole-number arithmetic only: it runs once for each answer. */
export function latencyBucket(ms: number): number {
  const units = (ms * UNITS_PER_MS) | 0;
  if (units < LINEAR_UNITS) return units < 0 ? 0 : units;
  const power = 31 - Math.clz32(units);
  const bucket =
    LINEAR_UNITS + (power - LINEAR_BITS) * PER_DOUBLING + ((units >> (power - 2)) & (PER_DOUBLING - 1));
  return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/** Where a bucket begins, in ms; for LATENCY_BUCKETS (beyond the last) it is where the last bucket ends. */
export function latencyFloorMs(bucket: number): number {
  if (bucket < LINEAR_UNITS) return bucket / UNITS_PER_MS;
  const doublings = Math.floor((bucket - LINEAR_UNITS) / PER_DOUBLING);
  const quarter = (bucket - LINEAR_UNITS) % PER_DOUBLING;
  return 2 ** doublings * (1 + quarter / PER_DOUBLING);
}

/** The latency in ms below which `share` (0 to 1) of the counted ones lie; undefined: none was counted. */
export function latencyQuantile(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return undefined;
  const wanted = share * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const floor = latencyFloorMs(bucket);
      return floor + ((latencyFloorMs(bucket + 1) - floor) * Math.max(0, wanted - below)) / count;
    }
    below += count;
  }
  return latencyFloorMs(counts.length);
}
