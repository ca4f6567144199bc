import { type Alarm, coarseAlarm } from "./alarm.ts";

/**
 * Open-loop load: arrivals come by the clock and never wait for answers, as people do. Latency is measured
 * from the instant an arrival was due, so the delay of a slow service or a slow driver counts (no coordinated
 * omission).
 */
export type OpenLoopOptions = {
  /** Instants on `performance.now()`'s scale, ascending. */
  readonly dueMs: readonly number[];
  /** Starts the work of one arrival; must not reject. */
  readonly launch: (index: number, dueMs: number) => Promise<void>;
  /** While so many arrivals are under way, the next one waits for a place; the wait counts as latency. */
  readonly inFlightMax: number;
  /** The run ends at this instant, even if arrivals are unfinished. */
  readonly endsAtMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Wakes the driver for the next arrival; undefined: a timer of Node. */
  readonly alarm?: Alarm | undefined;
};

export type OpenLoopResult = {
  readonly launched: number;
  readonly finished: number;
  /** How late the driver was at worst to start an arrival that had a place. */
  readonly worstLagMs: number;
  /** Arrivals that had to wait for a place. */
  readonly heldBack: number;
  readonly mostInFlight: number;
};

export function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { dueMs, launch, inFlightMax, endsAtMs, signal, alarm = coarseAlarm() } = options;
  let next = 0;
  let inFlight = 0;
  let finished = 0;
  let worstLagMs = 0;
  let heldBack = 0;
  let mostInFlight = 0;

  return new Promise((resolve) => {
    let over = false;
    const end = setTimeout(finish, Math.max(0, endsAtMs - performance.now()));
    signal?.addEventListener("abort", finish, { once: true });

    function finish(): void {
      if (over) return;
      over = true;
      alarm.clear();
      clearTimeout(end);
      signal?.removeEventListener("abort", finish);
      resolve({ launched: next, finished, worstLagMs, heldBack, mostInFlight });
    }

    function start(index: number, due: number): void {
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      void launch(index, due).finally(() => {
        const wasFull = inFlight === inFlightMax;
        inFlight -= 1;
        finished += 1;
        if (over) return;
        if (finished === dueMs.length) finish();
        else if (wasFull) startDue(true);
      });
    }

    /**
     * Starts all arrivals that are due by the clock: after a late wake-up of the timer these are more than
     * one.
     */
    function startDue(place = false): void {
      alarm.clear();
      if (over) return;
      const now = performance.now();
      for (let due = dueMs[next]; due !== undefined && due <= now; due = dueMs[next]) {
        if (inFlight === inFlightMax) return; // the next arrival that finishes calls this again
        if (place) heldBack += 1;
        else worstLagMs = Math.max(worstLagMs, now - due);
        next += 1;
        start(next - 1, due);
      }
      const due = dueMs[next];
      if (due !== undefined) alarm.set(due - performance.now(), startDue);
    }

    if (signal?.aborted === true || dueMs.length === 0) finish();
    else startDue();
  });
}
