import type { Clock } from "../runtime/clock.ts";

/**
 * Admits claims to the pipeline of a campaign as long as they can be answered in time. The time that a claim
 * will take is the number of claims before it over the rate at which claims leave: it covers the queues of
 * both stages and what both stores have under way. It decides at the tail only: who is admitted is never
 * refused for the waiting time.
 */
export type WaitGate = {
  /** After how many ms a claim that comes now is to come again; undefined: it is admitted. */
  shedMs(): number | undefined;
  /** Claims that were admitted and have not left. */
  inside(): number;
  /** A claim was admitted. Give what this returns to `leave`. */
  enter(): Admitted;
  leave(admitted: Admitted, left: Left): void;
  /**
   * When a claim that is refused now is to come again: after those that wait, and after those that were
   * refused before and come again, too. undefined: how fast claims leave is not known.
   */
  comeAgainMs(): number | undefined;
  /** How long a claim that comes now takes, in ms; 0 where that is not known. */
  waitMs(): number;
};

/** When a claim came, on the clock's `elapsed`, and how many were before it. */
export type Admitted = { readonly atMs: number; readonly before: number };

/**
 * How a claim leaves. `issued`: with a coupon of its own, through both stages. `answered`: otherwise, and so
 * perhaps past others that wait. `failed`: by a failure or its deadline.
 */
export type Left = "issued" | "answered" | "failed";

export type WaitGateOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  /**
   * How much longer than without a queue a claim may take. 0: no claim is refused for its waiting time.
   */
  readonly targetMs: number;
  /**
   * So many are always admitted, and claims that leave tell the rate only while so many wait: fewer go to the
   * stores in one batch, and what a claim takes then is what it takes without a queue.
   */
  readonly least: number;
};

/**
 * A wait above the target must last so long before claims are refused: a burst that is soon served is none.
 */
export const PATIENCE_MS = 50;
/** Nobody is told to come again later, so that callers need not wait long after a crowd has left. */
export const COME_AGAIN_MS_MAX = 5_000;
/** Claims that leave are counted for so long at least, which is longer than most batches take. */
const RATE_OVER_MS = 20;
/** Of each of these counts, in the average. */
const WEIGHT = 1 / 4;
/** A rate that was measured longer ago says nothing: the stores may have been busy with something else. */
const RATE_KEPT_MS = 10_000;
/** After so long the time without a queue may become longer again, by the next claim that shows it. */
const UNQUEUED_KEPT_MS = 10_000;
/** A store that took longer for a claim was in trouble, not far away. */
const UNQUEUED_MS_MAX = 1_000;

export function createWaitGate({ clock, targetMs, least }: WaitGateOptions): WaitGate {
  let inside = 0;
  /** Claims that leave in a ms, while many wait; 0: not known. */
  let perMs = 0;
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  /** How many have left with an answer since an instant, more than a batch waiting all the time. */
  let departures: { readonly sinceMs: number; count: number } | undefined;
  /** What a claim takes without a queue: the stores may be far away. The least of late; 0: not known. */
  let unqueuedMs = 0;
  let unqueuedAtMs = Number.NEGATIVE_INFINITY;
  /** Since when the wait has been above the target. */
  let aboveSinceMs: number | undefined;
  /** When the last one that was refused comes again. */
  let lastComesAtMs = Number.NEGATIVE_INFINITY;

  const waitOf = (nowMs: number) => (perMs === 0 || nowMs - measuredAtMs > RATE_KEPT_MS ? 0 : inside / perMs);

  const mostMs = () => targetMs + unqueuedMs;

  /** Notes whether the wait is above the target, and since when. */
  function isAbove(nowMs: number, waitMs: number): boolean {
    if (inside > least && waitMs > mostMs()) {
      aboveSinceMs ??= nowMs;
      return true;
    }
    aboveSinceMs = undefined;
    return false;
  }

  /**
   * Claims leave a batch at a time: the rate is that between two that leave, at least so far apart. How long
   * one of them took would not tell it: some pass others, and a store that is far away is no queue.
   */
  function noteDeparture(nowMs: number): void {
    if (inside < least) {
      departures = undefined;
      return;
    }
    if (departures === undefined) {
      departures = { sinceMs: nowMs, count: 0 };
      return;
    }
    departures.count += 1;
    const lastedMs = nowMs - departures.sinceMs;
    if (lastedMs < RATE_OVER_MS) return;
    const one = departures.count / lastedMs;
    perMs = nowMs - measuredAtMs > RATE_KEPT_MS ? one : perMs + WEIGHT * (one - perMs);
    measuredAtMs = nowMs;
    departures = { sinceMs: nowMs, count: 0 };
  }

  function noteUnqueued(nowMs: number, tookMs: number): void {
    if (tookMs > unqueuedMs && nowMs - unqueuedAtMs <= UNQUEUED_KEPT_MS) return;
    unqueuedMs = Math.min(tookMs, UNQUEUED_MS_MAX);
    unqueuedAtMs = nowMs;
  }

  function comeAgainMs(nowMs: number): number | undefined {
    const waitMs = waitOf(nowMs);
    if (waitMs === 0) return undefined;
    const afterMs = Math.max(waitMs, lastComesAtMs - nowMs) + 1 / perMs;
    const comesMs = Math.min(COME_AGAIN_MS_MAX, afterMs);
    lastComesAtMs = nowMs + comesMs;
    return comesMs;
  }

  return {
    shedMs() {
      if (targetMs === 0 || inside <= least) return undefined;
      const nowMs = clock.elapsed();
      const waitMs = waitOf(nowMs);
      if (!isAbove(nowMs, waitMs)) return undefined;
      const isStanding = nowMs - (aboveSinceMs ?? nowMs) >= PATIENCE_MS;
      // Beyond that no burst is served before the patience is over.
      return isStanding || waitMs > mostMs() + PATIENCE_MS ? comeAgainMs(nowMs) : undefined;
    },

    inside: () => inside,

    enter() {
      const admitted = { atMs: clock.elapsed(), before: inside };
      inside += 1;
      return admitted;
    },

    leave({ atMs, before }, left) {
      inside -= 1;
      const nowMs = clock.elapsed();
      if (left === "issued" && before < least) noteUnqueued(nowMs, nowMs - atMs);
      if (left !== "failed") noteDeparture(nowMs);
      if (aboveSinceMs !== undefined) isAbove(nowMs, waitOf(nowMs));
    },

    comeAgainMs: () => comeAgainMs(clock.elapsed()),
    waitMs: () => waitOf(clock.elapsed()),
  };
}
