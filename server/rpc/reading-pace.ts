import { performance } from "node:perf_hooks";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { goneError, throwIfGone } from "./caller-gone.ts";

/** What a page may hold, in documents: while nothing else happens, and while callers are served. */
export type PageSize = { readonly idle: number; readonly busy: number };

/** Lets long readings step back behind the callers of this process. */
export type ReadingPace = {
  /**
   * Reads a page when its turn has come; `read` is told how much to read. One page at a time in a process.
   * @throws ConnectError as soon as `signal` aborts while it waits: a caller that has gone takes no turn from
   * others
   */
  page<T>(size: PageSize, read: (limit: number) => Promise<T>, signal: AbortSignal): Promise<T>;
};

export type ReadingPaceDeps = {
  clock: Clock;
  /** Milliseconds so far in which the event loop had work. */
  loopActiveMs?: () => number;
};

/**
 * Before each page the loop is watched, by what others do in that time it is judged busy or idle. The first
 * look may still see our own last page being sent; so while it was idle only two looks in a row, the second a
 * longer one, make it busy.
 */
const LOOKS_MS = [4, 10] as const;
const BUSY_SHARE = 0.1;
/**
 * While it is busy, reading rests for so many times as long as the last page took: the readings of a process
 * get a tenth of it.
 */
const REST_TIMES = 9;
const REST_MOST_MS = 250;
/** A shorter look may fall between two callers: it cannot tell that it is busy no longer. */
const CALM_LOOK_MS = 20;

/**
 * An export of a million coupons at full speed takes six sevenths of the claims from a sale beside it
 * (measured), because both want the same event loop and the same MongoDB. So it goes at full speed only while
 * nobody else is served. How busy the loop is with others shows while the reading rests; claims and refusals
 * count alike.
 */
export function createReadingPace({ clock, loopActiveMs = activeMs }: ReadingPaceDeps): ReadingPace {
  /** In the order in which they came; each is called when its turn has come. */
  const waiting = new Set<() => void>();
  let taken = false;
  let busy = false;
  let lastPageMs = 0;

  /** Which part of so many milliseconds, in which we do nothing, the loop had work. */
  async function shareOfOthers(lookMs: number): Promise<number> {
    const [fromMs, activeFromMs] = [clock.elapsed(), loopActiveMs()];
    await sleep(clock, lookMs);
    return (loopActiveMs() - activeFromMs) / Math.max(1, clock.elapsed() - fromMs);
  }

  async function rest(): Promise<void> {
    if (busy) {
      const restMs = Math.min(REST_MOST_MS, Math.max(CALM_LOOK_MS, REST_TIMES * lastPageMs));
      busy = (await shareOfOthers(restMs)) > BUSY_SHARE;
      return;
    }
    for (const lookMs of LOOKS_MS) if ((await shareOfOthers(lookMs)) <= BUSY_SHARE) return;
    busy = true;
  }

  function turn(signal: AbortSignal): Promise<void> {
    if (!taken) {
      taken = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const come = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        waiting.delete(come);
        reject(goneError(signal));
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.add(come);
    });
  }

  function passOn(): void {
    const [next] = waiting;
    if (next === undefined) {
      taken = false;
      return;
    }
    waiting.delete(next);
    next();
  }

  async function readNext<T>(
    size: PageSize,
    read: (limit: number) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    throwIfGone(signal);
    await rest();
    throwIfGone(signal);
    const fromMs = clock.elapsed();
    try {
      return await read(busy ? size.busy : size.idle);
    } finally {
      lastPageMs = clock.elapsed() - fromMs;
    }
  }

  return {
    async page(size, read, signal) {
      throwIfGone(signal);
      await turn(signal);
      try {
        return await readNext(size, read, signal);
      } finally {
        passOn();
      }
    },
  };
}

function activeMs(): number {
  return performance.eventLoopUtilization().active;
}
