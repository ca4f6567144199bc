import { setTimeout as sleep } from "node:timers/promises";
import { type HistoryEntry, type Outcome, stamp } from "../audit/history.ts";
import { askUntilDefinite } from "../client/ask-again.ts";
import { type BackOff, isAskedAgain, standingOf } from "../client/policy.ts";
import type { Ask } from "./answer.ts";
import type { Random } from "./random.ts";
import { createSlots } from "./slots.ts";

export type PressOptions = {
  readonly ask: Ask;
  /** How many tries may be under way at once; waiting for a place counts as latency, not as part of a try. */
  readonly triesInFlightMax: number;
  readonly campaignId: string;
  /** The time-out of one try, in the client: longer than the service's own deadline. */
  readonly tryTimeoutMs: number;
  /** From the first try to giving up. */
  readonly patienceMs: number;
  readonly random: Random;
  readonly record: (entry: HistoryEntry) => void;
  readonly signal?: AbortSignal | undefined;
};

/** The end of one press of the button: its last answer, which is definite unless `patienceMs` ran out. */
export type PressResult = {
  readonly outcome: Outcome;
  readonly tries: number;
  readonly answeredAtMs: number;
};

/** Shorter than a page's, and never 0: a load that sells within seconds shall show each try. */
const BACK_OFF: BackOff = {
  ...{ firstMs: 50, mostMs: 1_000, jitterFrom: 0.5, jitterTo: 1.5 },
  askedMostMs: Number.POSITIVE_INFINITY,
};
const CLOCK = { elapsed: () => performance.now() };

export function isDefinite(outcome: Outcome): boolean {
  return (
    outcome.kind === "issued" || (outcome.kind === "refused" && !isAskedAgain(standingOf(outcome.reason)))
  );
}

/**
 * Presses the button for a user: asks, and asks again with the same key until the answer is definite or
 * `patienceMs` is over.
 */
export function createPresser(options: PressOptions): (userId: string) => Promise<PressResult> {
  const { ask, triesInFlightMax, campaignId, tryTimeoutMs, patienceMs, random, record, signal } = options;
  const slots = createSlots(triesInFlightMax);
  return async (userId) => {
    let answeredAtMs = 0;
    const { answer, tries } = await askUntilDefinite<Outcome>({
      async ask() {
        await slots.take();
        const invoked = stamp();
        const { outcome, retryAfterMs } = await ask(campaignId, userId, tryTimeoutMs);
        const answered = stamp();
        slots.give();
        answeredAtMs = answered.atMs;
        record({
          claimKey: userId,
          invokedAtMs: invoked.atMs,
          answeredAtMs: answered.atMs,
          invokedOrder: invoked.order,
          answeredOrder: answered.order,
          outcome,
        });
        const again = isDefinite(outcome) ? undefined : { retryAfterMs, isPaced: false };
        return { answer: outcome, again };
      },
      wait: (waitMs) => sleep(waitMs, undefined, { signal }).catch(() => {}),
      backOff: BACK_OFF,
      clock: CLOCK,
      ...{ random, patienceMs, signal },
    });
    return { outcome: answer, tries, answeredAtMs };
  };
}
