/** Arrivals at so many times the capacity. */
export type Step = {
  readonly times: number;
  readonly perSecond: number;
  readonly count: number;
  /** How long they come, and how much of that is before the instant of opening. */
  readonly arrivalsMs: number;
  readonly beforeMs: number;
};

/** For the memory and the time of the callers: a higher rate lasts as much shorter. */
export const CALLERS_MOST = 120_000;
const BEFORE_SHARE = 1 / 4;

export function stepOf(times: number, capacityPerSecond: number, secondsMost: number): Step {
  const perSecond = times * capacityPerSecond;
  const count = Math.min(CALLERS_MOST, Math.ceil(perSecond * secondsMost));
  const arrivalsMs = (count / perSecond) * 1_000;
  return { times, perSecond, count, arrivalsMs, beforeMs: arrivalsMs * BEFORE_SHARE };
}

/** Begins the names of the figures of a step: `overload_half`, `shedding_10`. */
export const nameOf = (benchmark: string, { times }: Pick<Step, "times">): string =>
  `${benchmark}_${times === 0.5 ? "half" : times}`;
