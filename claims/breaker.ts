import type { Cancel, Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { isNoAnswer } from "./store-error.ts";

/** The store is known to be away: it was not asked, and nothing was tried. */
export class CircuitOpen extends Error {
  override readonly name = "CircuitOpen";
}

/**
 * `closed`: calls go through. `open`: none do. `half-open`: a probe was answered; single trials go through
 * until one succeeds.
 */
export type BreakerState = "closed" | "open" | "half-open";

/** What a caller may do now: ask the store, be the one trial, or be refused at once. */
export type Admission = "go" | "trial" | "refuse";

/**
 * Spares callers the deadline of a store that is known to be away. Opens when a call ended without an answer,
 * or has been under way for longer than `stallMs`. Evidence is ordered by when a call began: what began after
 * the last trouble and was answered ends it, whatever older calls still hang. While it is open, whoever is
 * refused sets off a probe, one at a time and at most one every `PROBE_EVERY_MS`: no caller pays for finding
 * out, and a store that comes back meets one question, not all of them.
 */
export type Breaker = {
  state(): BreakerState;
  admit(): Admission;
  /** The trial went nowhere near the store: the next caller may be it. */
  returnTrial(): void;
  /** A call has begun; call the result with whether the store answered. */
  begin(): (answered: boolean) => void;
  /** Something else found the store away: probes decide. */
  suspect(): void;
  /**
   * For calls without effect. @throws CircuitOpen at once while the store is away, and when that is found out
   * while the call hangs
   */
  ask<T>(call: () => Promise<T>): Promise<T>;
  /**
   * The call's result, or CircuitOpen when the store is found away before: for calls without effect that are
   * no evidence themselves.
   */
  unlessOpened<T>(call: Promise<T>): Promise<T>;
};

export type BreakerOptions = {
  /** The store, as logs name it. */
  readonly store: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stallMs: number;
  /** One question without effect on callers. */
  readonly probe: () => Promise<unknown>;
  /** An answered probe does not close it by itself: one trial must succeed first. */
  readonly trials?: boolean;
  /** Called each time that it opens. */
  readonly onOpen?: () => void;
};

export const PROBE_EVERY_MS = 250;
const PROBE_DEADLINE_MS = 1_000;
/**
 * Age is counted in ticks, not read off a clock: a process that stood still itself (its timers fire before it
 * reads what has arrived meanwhile) learns nothing about the store.
 */
const TICKS = 4;

export function createBreaker(options: BreakerOptions): Breaker {
  const { store, clock, stallMs, probe, trials = false } = options;
  const logger = options.logger.child({ component: "claims" });
  /** Calls that began after the last one that was answered, in that order. */
  const underWay = new Map<number, { readonly tick: number }>();
  /** Calls without effect that wait. */
  const waiting = new Set<(cause: CircuitOpen) => void>();
  let lastOrder = 0;
  /**
   * By the order in which they began: the last calls that were and were not answered, and the last probe that
   * was.
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

  /** Says and does what follows from new evidence. */
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
    // Older ones prove nothing any more.
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
      // Still away.
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
    if (now === "open") {
      probeIfDue();
      return "refuse";
    }
    // One at a time: the next when the last one has come to an end, and not at once.
    const trying = lastUnderWay() > reachedOrder;
    if (trying || clock.elapsed() - triedAtMs < PROBE_EVERY_MS) return "refuse";
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
      const running = call();
      running.then(
        () => end(true),
        (error: unknown) => end(!isNoAnswer(error)),
      );
      return unlessOpened(running);
    },
  };
}
