import type { HistoryEntry } from "../audit/history.ts";
import { percentilesOf } from "../callers/percentiles.ts";

/** Waiting times and order, from callers' own records. */
export interface Fairness {
  readonly requests: number;
  /** Claim keys that got a coupon. */
  readonly holders: number;
  /** From the first request after the start to the first answer with the coupon. */
  readonly waitMs: Percentiles;
  /** Pairs of holders in which the one that asked first has the later coupon. */
  readonly inversions: number;
  readonly pairs: number;
  /** How many places a holder lost to others that asked later. */
  readonly placesLost: Percentiles;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

interface Holder {
  askedOrder: number;
  askedAtMs: number;
  answeredAtMs: number;
  issuedAtMs: number;
  seq: number;
}

/**
 * Takes the entries one by one, in any order; keeps one record for each claim key. Requests before the start
 * were refused, and are no arrival.
 */
export function gatherFairness(startsAtMs: number) {
  const holders = new Map<string, Partial<Holder>>();
  let requests = 0;
  return {
    take({ claimKey, outcome, ...entry }: HistoryEntry): void {
      requests++;
      if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") return;
      const known = holders.get(claimKey) ?? {};
      holders.set(claimKey, known);
      if (
        entry.invokedAtMs >= startsAtMs - 1 &&
        entry.invokedOrder < (known.askedOrder ?? Number.POSITIVE_INFINITY)
      ) {
        known.askedOrder = entry.invokedOrder;
        known.askedAtMs = entry.invokedAtMs;
      }
      if (outcome.kind !== "issued") return;
      known.issuedAtMs = outcome.issuedAtMs;
      known.seq = outcome.seq;
      known.answeredAtMs = Math.min(known.answeredAtMs ?? Number.POSITIVE_INFINITY, entry.answeredAtMs);
    },
    result(): Fairness {
      const arrived = [...holders.values()].filter(isHolder).sort((a, b) => a.askedOrder - b.askedOrder);
      const places = placesOf(arrived);
      const count = arrived.length;
      return {
        requests,
        holders: count,
        waitMs: percentiles(arrived.map(({ answeredAtMs, askedAtMs }) => answeredAtMs - askedAtMs)),
        inversions: inversionsOf(places),
        pairs: (count * (count - 1)) / 2,
        placesLost: percentiles(Array.from(places, (place, arrival) => Math.max(0, place - arrival))),
      };
    },
  };
}

function isHolder(holder: Partial<Holder>): holder is Holder {
  return holder.seq !== undefined && holder.askedOrder !== undefined;
}

/**
 * For each holder, in order of arrival, its place in the order of issue: by instant, and within a millisecond
 * by number.
 */
function placesOf(arrived: readonly Holder[]): Uint32Array {
  const issued = arrived
    .map((holder, arrival) => ({ ...holder, arrival }))
    .sort((a, b) => a.issuedAtMs - b.issuedAtMs || a.seq - b.seq);
  const places = new Uint32Array(arrived.length);
  for (const [place, { arrival }] of issued.entries()) places[arrival] = place;
  return places;
}

/** The number of pairs in the wrong order, counted while merging: O(n log n). */
export function inversionsOf(order: Uint32Array): number {
  let from = Uint32Array.from(order);
  let into = new Uint32Array(order.length);
  let inversions = 0;
  for (let width = 1; width < order.length; width *= 2) {
    for (let low = 0; low < order.length; low += 2 * width) {
      const middle = Math.min(low + width, order.length);
      const high = Math.min(low + 2 * width, order.length);
      let [left, right] = [low, middle];
      for (let at = low; at < high; at++) {
        const takeLeft = right >= high || (left < middle && (from[left] ?? 0) <= (from[right] ?? 0));
        if (!takeLeft) inversions += middle - left;
        into[at] = (takeLeft ? from[left++] : from[right++]) ?? 0;
      }
    }
    [from, into] = [into, from];
  }
  return inversions;
}

/**
 * Each percentile is one of the values (nearest rank). All zero where there are no values.
 */
export function percentiles(values: readonly number[]): Percentiles {
  if (values.length === 0) return { p50: 0, p99: 0, p999: 0, max: 0 };
  const { at } = percentilesOf(values);
  return { p50: at(50), p99: at(99), p999: at(99.9), max: at(100) };
}
