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
  /** A claim was admitted. Give what this returns to `leave`. */
  enter(): Admitted;
  /** `isAnswered`: false where it leaves because of a failure or of its deadline, which tells no rate. */
  leave(admitted: Admitted, isAnswered: boolean): void;
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

export type WaitGateOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  /** 0: no claim is refused for its waiting time. */
  readonly targetMs: number;
  /**
   * So many are always admitted, and a claim tells the rate only where so many were before it: fewer go to
   * the stores in one batch, and how long that takes is no matter of the queue.
   */
  readonly least: number;
};

/**
 * A wait above the target must last so long before claims are refused: a burst that is soon served is none.
 */
export const PATIENCE_MS = 50;
/** Nobody is told to come again later, so that callers need not wait long after a crowd has left. */
export const COME_AGAIN_MS_MAX = 5_000;
/** Of each claim that leaves, in the average. */
const WEIGHT = 1 / 64;
/** A rate that was measured longer ago says nothing: the stores may have been busy with something else. */
const RATE_KEPT_MS = 10_000;

export function createWaitGate({ clock, targetMs, least }: WaitGateOptions): WaitGate {
  let inside = 0;
  /** Claims that leave in a ms, while many wait; 0: not known. */
  let perMs = 0;
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  /** Since when the wait has been above the target. */
  let aboveSinceMs: number | undefined;
  /** When the last one that was refused comes again. */
  let lastComesAtMs = Number.NEGATIVE_INFINITY;

  const waitOf = (nowMs: number) => (perMs === 0 || nowMs - measuredAtMs > RATE_KEPT_MS ? 0 : inside / perMs);

  /** Notes whether the wait is above the target, and since when. */
  function isAbove(nowMs: number, waitMs: number): boolean {
    if (inside > least && waitMs > targetMs) {
      aboveSinceMs ??= nowMs;
      return true;
    }
    aboveSinceMs = undefined;
    return false;
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
      return isStanding || waitMs > targetMs + PATIENCE_MS ? comeAgainMs(nowMs) : undefined;
    },

    enter() {
      const admitted = { atMs: clock.elapsed(), before: inside };
      inside += 1;
      return admitted;
    },

    leave({ atMs, before }, isAnswered) {
      inside -= 1;
      const nowMs = clock.elapsed();
      const tookMs = nowMs - atMs;
      if (isAnswered && before >= least && tookMs > 0) {
        const one = before / tookMs;
        perMs = nowMs - measuredAtMs > RATE_KEPT_MS ? one : perMs + WEIGHT * (one - perMs);
        measuredAtMs = nowMs;
      }
      if (aboveSinceMs !== undefined) isAbove(nowMs, waitOf(nowMs));
    },

    comeAgainMs: () => comeAgainMs(clock.elapsed()),
    waitMs: () => waitOf(clock.elapsed()),
  };
}
