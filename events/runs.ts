import type { IssuedRun } from "../record/event-documents.ts";
import type { IssuePosition } from "../record/issue-ranges.ts";

/** Appends a place to runs that are in issue order; the place comes after all of them. */
export function appendPlace(runs: IssuedRun[], { generation, seq }: IssuePosition): void {
  const last = runs.at(-1);
  if (last !== undefined && last.generation === generation && last.last + 1 === seq) last.last = seq;
  else runs.push({ generation, first: seq, last: seq });
}

export function countIn(runs: readonly IssuedRun[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** The part of the runs that follows the first `skip` places, at most `limit` of them. */
export function* sliceOf(runs: readonly IssuedRun[], skip: number, limit: number): Generator<IssuedRun> {
  let [skipping, left] = [skip, limit];
  for (const { generation, first, last } of runs) {
    const from = first + Math.min(skipping, last - first + 1);
    skipping -= from - first;
    const to = Math.min(last, from + left - 1);
    if (to < from) continue;
    left -= to - from + 1;
    yield { generation, first: from, last: to };
  }
}

/** The places of many runs, in any order, joined where they touch: a log of a million coupons has few. */
export type PlaceSet = {
  add(run: IssuedRun): void;
  has(place: IssuePosition): boolean;
};

export function createPlaceSet(): PlaceSet {
  /** By generation, ascending and apart from each other. */
  const byGeneration = new Map<number, { first: number; last: number }[]>();

  /** The index of the first run that ends at or after a number. */
  function indexOf(runs: readonly { readonly last: number }[], seq: number): number {
    let [low, high] = [0, runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((runs[middle]?.last ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    add({ generation, first, last }) {
      const runs = byGeneration.get(generation) ?? [];
      byGeneration.set(generation, runs);
      const at = indexOf(runs, first - 1);
      const joined = { first, last };
      let end = at;
      for (let run = runs[end]; run !== undefined && run.first <= last + 1; run = runs[++end]) {
        joined.first = Math.min(joined.first, run.first);
        joined.last = Math.max(joined.last, run.last);
      }
      runs.splice(at, end - at, joined);
    },
    has({ generation, seq }) {
      const runs = byGeneration.get(generation) ?? [];
      const run = runs[indexOf(runs, seq)];
      return run !== undefined && run.first <= seq;
    },
  };
}
