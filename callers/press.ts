import { setTimeout as sleep } from "node:timers/promises";
import { type HistoryEntry, type Outcome, stamp } from "../audit/history.ts";
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

const FIRST_WAIT_MS = 50;
const WAIT_MOST_MS = 1_000;

/** Refusals that are not final: the caller asks again with the same key. */
const PASSING: ReadonlySet<string> = new Set([
  "OVERLOADED",
  "NOT_READY",
  "RATE_LIMITED",
  "DEADLINE_EXCEEDED",
]);

export function isDefinite(outcome: Outcome): boolean {
  return outcome.kind === "issued" || (outcome.kind === "refused" && !PASSING.has(outcome.reason));
}

/**
 * Presses the button for a user: asks, and asks again with the same key until the answer is definite or
 * `patienceMs` is over.
 */
export function createPresser(options: PressOptions): (userId: string) => Promise<PressResult> {
  const { ask, triesInFlightMax, campaignId, tryTimeoutMs, patienceMs, random, record, signal } = options;
  const slots = createSlots(triesInFlightMax);
  return async (userId) => {
    const givesUpAtMs = performance.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      await slots.take();
      const invoked = stamp();
      const { outcome, retryAfterMs } = await ask(campaignId, userId, tryTimeoutMs);
      const answered = stamp();
      slots.give();
      record({
        claimKey: userId,
        invokedAtMs: invoked.atMs,
        answeredAtMs: answered.atMs,
        invokedOrder: invoked.order,
        answeredOrder: answered.order,
        outcome,
      });
      // The wait doubles, with jitter, so that callers that failed together do not ask again together.
      const backOffMs = Math.min(WAIT_MOST_MS, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 10));
      const waitMs = Math.max(retryAfterMs, backOffMs) * (0.5 + random());
      const over = signal?.aborted === true || performance.now() + waitMs > givesUpAtMs;
      if (isDefinite(outcome) || over) return { outcome, tries, answeredAtMs: answered.atMs };
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  };
}
