import type { CampaignDoc } from "../record/documents.ts";
import { type Clock, sleep } from "../runtime/clock.ts";

/** How the next codes are made: `codes` in an insert, `atOnce` inserts, a rest of `restTimes` their time. */
export type FillStep = { readonly codes: number; readonly atOnce: number; readonly restTimes: number };

/** Throttles the making of codes, so that the callers of a sale go first. */
export type FillPace = {
  /** `missing`: codes that are still to be made. */
  next(campaign: Pick<CampaignDoc, "startsAt">, missing: number): Promise<FillStep>;
  /** To be awaited after it; `tookMs`: how long its inserts took. */
  rest(step: FillStep, tookMs: number): Promise<void>;
};

export type FillPaceDeps = {
  readonly clock: Clock;
  /** Whether servers on the same stores answer callers. */
  readonly isBusy: () => Promise<boolean>;
};

/** Codes per insert, and inserts under way at once: bounds memory for any total. */
const FULL_SPEED: FillStep = { codes: 5_000, atOnce: 3, restTimes: 0 };
/** A tenth of the time, in inserts that keep MongoDB from claims for about ten milliseconds. */
const THROTTLED: FillStep = { codes: 500, atOnce: 1, restTimes: 9 };
/** The most codes of a step: a generator that crashed in one may have left some of so many. */
export const STEP_MOST = FULL_SPEED.codes * FULL_SPEED.atOnce;
/** A machine of half the speed makes so many throttled, in a second. */
const THROTTLED_A_SECOND = 1_500;
/**
 * Beside the making: committing to the codes, loading the pool, and the same for all others that start then
 * and wait behind this one.
 */
const SPARE_MS = 3_600_000;
/** Far less than a lease lasts. */
const REST_MOST_MS = 250;

/** Always at full speed. */
export const UNTHROTTLED: FillPace = {
  next: () => Promise.resolve(FULL_SPEED),
  rest: () => Promise.resolve(),
};

/** Throttles while callers are answered, unless the campaign would not be ready an hour before its start. */
export function createFillPace({ clock, isBusy }: FillPaceDeps): FillPace {
  return {
    async next({ startsAt }, missing) {
      const leftMs = startsAt.getTime() - clock.now();
      const hasTime = leftMs > (missing / THROTTLED_A_SECOND) * 1_000 + SPARE_MS;
      return hasTime && (await isBusy()) ? THROTTLED : FULL_SPEED;
    },
    rest: ({ restTimes }, tookMs) =>
      restTimes === 0 ? Promise.resolve() : sleep(clock, Math.min(REST_MOST_MS, restTimes * tookMs)),
  };
}
