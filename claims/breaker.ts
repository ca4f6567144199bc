import type { Cancel, Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { isNoAnswer } from "./store-error.ts";

/** The breaker is open: the store was not asked, and no step was made. */
export class CircuitOpen extends Error {
  override readonly name = "CircuitOpen";
}

/**
 * `closed`: calls go through. `open`: none do. `half-open`: the store answered a probe; single trials go
 * through until one succeeds.
 */
export type BreakerState = "closed" | "open" | "half-open";

/** `go`: ask the store. `trial`: ask it as the only trial. `refuse`: refuse the request at once. */
export type Admission = "go" | "trial" | "refuse";

/**
 * Refuses requests early while a store does not answer, instead of letting each wait for its deadline. It
 * opens when a call ended without an answer, or has been under way for longer than `stallMs`. Calls count in
 * the order in which they began: an answered call that began after the last failed one closes the breaker,
 * even if older calls still hang. While it is open, a refused request starts a probe, one at a time and at
 * most one every `PROBE_EVERY_MS`. So no caller waits for the probe, and a store that recovers gets one
 * question, not all of them.
 */
export type Breaker = {
  state(): BreakerState;
  admit(): Admission;
  /** Whether requests are refused; while single trials go through: whether one was, a moment ago. */
  holdsBack(): boolean;
  /** Starts a probe if one is due, as a refused request does: for a server that nobody asks meanwhile. */
  probe(): void;
  /** The trial did not reach the store: the next request may be the trial. */
  returnTrial(): void;
  /** Reports that a call begins. Call the returned function at its end: true if the store answered. */
  begin(): (answered: boolean) => void;
  /** Opens the breaker after a failure found elsewhere; probes close it again. */
  suspect(): void;
  /**
   * For calls without effect. @throws CircuitOpen at once while the breaker is open, and when it opens while
   * the call is under way
   */
  ask<T>(call: () => Promise<T>): Promise<T>;
  /**
   * The call's result, or CircuitOpen if the breaker opens before. For calls without effect that do not count
   * for the breaker.
   */
  unlessOpened<T>(call: Promise<T>): Promise<T>;
};

export type BreakerOptions = {
  /** The store, as logs name it. */
  readonly store: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stallMs: number;
  /** One call that has no effect on callers. */
  readonly probe: () => Promise<unknown>;
  /** True: an answered probe does not close the breaker; one trial must succeed first. */
  readonly trials?: boolean;
  /** Called each time that it opens. */
  readonly onOpen?: () => void;
};

export const PROBE_EVERY_MS = 250;
const PROBE_DEADLINE_MS = 1_000;
/** For so long after a refusal others are likely. */
const REFUSING_MS = 2_000;
/**
 * The age of a call is counted in ticks, not by a clock. If the process itself was held up, its timers fire
 * before it reads the answers that have arrived, and its clock would show a late store where there is none.
 */
const TICKS = 4;

export function createBreaker(options: BreakerOptions): Breaker {
  const { store, clock, stallMs, probe, trials = false } = options;
  const logger = options.logger.child({ component: "claims" });
  /** Calls under way that began after the last answered one, in the order of their beginning. */
  const underWay = new Map<number, { readonly tick: number }>();
  /** Rejects the calls of `unlessOpened` that wait. */
  const waiting = new Set<(cause: CircuitOpen) => void>();
  let lastOrder = 0;
  /**
   * Order numbers by the beginning of a call: of the last answered call, the last failed call, and the last
   * answered probe.
   */
  let answeredOrder = 0;
  let failedOrder = 0;
  let reachedOrder = 0;
  let ticks = 0;
  let stopTicking: Cancel | undefined;
  let wasOpen = false;
  let openedAtMs = 0;
  let probing = false;
  let probedAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let refusedAtMs = Number.NEGATIVE_INFINITY;

  function stalledAfter(order: number): boolean {
    for (const [began, call] of underWay) if (began > order) return ticks - call.tick > TICKS;
    return false;
  }

  function lastUnderWay(): number {
    return [...underWay.keys()].at(-1) ?? 0;
  }

  function state(): BreakerState {
    if (failedOrder <= answeredOrder && !stalledAfter(answeredOrder)) return "closed";
    const reached = trials && failedOrder < reachedOrder && !stalledAfter(reachedOrder);
    return reached ? "half-open" : "open";
  }

  /** Logs a change of the state; on opening, rejects waiting calls and notifies the listener. */
  function look(): void {
    const isOpen = state() !== "closed";
    if (isOpen === wasOpen) return;
    wasOpen = isOpen;
    if (!isOpen) {
      logger.info({ store, awayMs: Math.round(clock.elapsed() - openedAtMs) }, "store answers again");
      return;
    }
    openedAtMs = clock.elapsed();
    logger.warn({ store }, "store does not answer; requests are refused early while it is probed");
    const cause = new CircuitOpen(`${store} does not answer`);
    for (const reject of waiting) reject(cause);
    waiting.clear();
    options.onOpen?.();
  }

  function tick(): void {
    stopTicking = undefined;
    ticks++;
    look();
    if (underWay.size > 0) startTicking();
  }

  function startTicking(): void {
    stopTicking ??= clock.after(stallMs / TICKS, tick);
  }

  function answered(order: number): void {
    answeredOrder = Math.max(answeredOrder, order);
    // Older calls no longer count.
    for (const began of underWay.keys()) {
      if (began > answeredOrder) break;
      underWay.delete(began);
    }
  }

  function begin(): (answered: boolean) => void {
    lastOrder++;
    const order = lastOrder;
    underWay.set(order, { tick: ticks });
    startTicking();
    return (wasAnswered) => {
      underWay.delete(order);
      if (wasAnswered) answered(order);
      else failedOrder = Math.max(failedOrder, order);
      if (underWay.size === 0) {
        stopTicking?.();
        stopTicking = undefined;
      }
      look();
    };
  }

  async function runProbe(): Promise<void> {
    probing = true;
    probedAtMs = clock.elapsed();
    lastOrder++;
    const order = lastOrder;
    try {
      await withDeadline(probe(), PROBE_DEADLINE_MS, `probe of ${store}`, clock);
      if (trials) reachedOrder = order;
      else answered(order);
    } catch {
      // The store still does not answer.
    }
    probing = false;
    look();
  }

  function probeIfDue(): void {
    if (!probing && clock.elapsed() - probedAtMs >= PROBE_EVERY_MS) void runProbe();
  }

  function admit(): Admission {
    const now = state();
    if (now === "closed") return "go";
    if (now === "open") probeIfDue();
    // One trial at a time: the next one after the last has ended, and after a pause.
    const trying = lastUnderWay() > reachedOrder;
    if (now === "open" || trying || clock.elapsed() - triedAtMs < PROBE_EVERY_MS) {
      refusedAtMs = clock.elapsed();
      return "refuse";
    }
    triedAtMs = clock.elapsed();
    return "trial";
  }

  function unlessOpened<T>(call: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      waiting.add(reject);
      call.then(resolve, reject).finally(() => waiting.delete(reject));
    });
  }

  return {
    state,
    admit,
    begin,
    unlessOpened,
    holdsBack() {
      const now = state();
      return now === "open" || (now === "half-open" && clock.elapsed() - refusedAtMs <= REFUSING_MS);
    },
    probe() {
      if (state() === "open") probeIfDue();
    },
    returnTrial() {
      triedAtMs = Number.NEGATIVE_INFINITY;
    },
    suspect() {
      lastOrder++;
      failedOrder = lastOrder;
      look();
    },
    async ask(call) {
      if (admit() === "refuse") throw new CircuitOpen(`${store} does not answer`);
      const end = begin();
      // A call that throws before it returns a promise ends like one that rejects; else it would be under
      // way for ever, and the breaker would open.
      const running = (async () => call())();
      running.then(
        () => end(true),
        (error: unknown) => end(!isNoAnswer(error)),
      );
      return unlessOpened(running);
    },
  };
}
