/** Exact percentiles of a set of measurements: all are kept and sorted, nothing is estimated. */
export type Percentiles = {
  readonly count: number;
  /**
   * Nearest rank: the smallest value that at least `percent` of all values do not exceed. NaN where there are
   * none.
   */
  at(percent: number): number;
};

export function percentilesOf(values: Iterable<number>): Percentiles {
  const sorted = Float64Array.from(values).sort();
  return {
    count: sorted.length,
    at(percent) {
      if (!(percent > 0 && percent <= 100))
        throw new RangeError(`percent must be in (0, 100], not ${percent}`);
      const rank = Math.ceil((percent / 100) * sorted.length);
      return sorted[rank - 1] ?? Number.NaN;
    },
  };
}
