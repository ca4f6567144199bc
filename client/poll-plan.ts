/** What the next question of a countdown is for. */
export type Poll = {
  readonly afterMs: number;
  /** True: the answer must be the server's own, because its clock is read. False: a cache may answer. */
  readonly isExact: boolean;
};

export type PollState = {
  /** Undefined: there is no answer yet. */
  readonly millisToStart: number | undefined;
  /** GENERATING, OPEN, … */
  readonly state: string | undefined;
  readonly soldOut: boolean;
  /** Exact answers since the countdown began, or since the device slept. */
  readonly samples: number;
  /** Since the last of them. */
  readonly sampleAgeMs: number;
};

const FIRST_SAMPLES = 3;
const BETWEEN_FIRST_MS = 1_000;
/** The clock is read once more within this time before the start. */
const LAST_LOOK_MS = 10_000;
const LAST_LOOK_LEAST_MS = 3_000;
const SHORT_OF_START_MS = 60_000;
const NEAR_MS = 5_000;
const FAR_MS = 30_000;
/** Pages that open together do not ask together. */
const SPREAD = 0.5;

/** When to ask next, and how. `random` is from 0 to 1. */
export function nextPoll(
  { millisToStart, state, soldOut, samples, sampleAgeMs }: PollState,
  random: number,
): Poll {
  if (millisToStart === undefined) return { afterMs: 0, isExact: true };
  const spread = SPREAD + random;
  if (samples < FIRST_SAMPLES && millisToStart > 0)
    return { afterMs: BETWEEN_FIRST_MS * spread, isExact: true };
  const isOver = state === "ENDED" || state === "CANCELLED" || soldOut;
  if (millisToStart <= 0 || isOver) return { afterMs: (isOver ? FAR_MS : NEAR_MS) * spread, isExact: false };
  const usualMs = (millisToStart > SHORT_OF_START_MS ? FAR_MS : NEAR_MS) * spread;
  if (millisToStart - usualMs > LAST_LOOK_MS) return { afterMs: usualMs, isExact: false };
  // Spread over the seconds before the start, so that a crowd of pages does not ask at once.
  const fromMs = Math.max(0, millisToStart - LAST_LOOK_MS);
  const untilMs = millisToStart - LAST_LOOK_LEAST_MS;
  if (untilMs > 0 && sampleAgeMs > LAST_LOOK_MS)
    return { afterMs: fromMs + (untilMs - fromMs) * random, isExact: true };
  // After the start, when the state becomes OPEN.
  return { afterMs: millisToStart + BETWEEN_FIRST_MS * random, isExact: false };
}
