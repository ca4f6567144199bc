import { performance } from "node:perf_hooks";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { goneError, throwIfGone } from "./caller-gone.ts";

/** How many documents a page may hold: while the process is idle, and while it serves callers. */
export type PageSize = { readonly idle: number; readonly busy: number };

/** Throttles long readings, so that the callers of this process go first. */
export type ReadingPace = {
  /**
   * Reads a page when its turn has come; `limit` is how much to read. One page at a time in a process.
   * @throws ConnectError as soon as `signal` aborts while it waits: a caller that has gone takes no turn from
   * others
   */
  page<T>(size: PageSize, read: (limit: number) => Promise<T>, signal: AbortSignal): Promise<T>;
};

export type ReadingPaceDeps = {
  clock: Clock;
  /** Milliseconds so far in which the event loop had work. */
  loopActiveMs?: () => number;
  /** Milliseconds so far of processor time that the process took. */
  processorMs?: () => number;
  /** Whether other processes answer callers from the same stores; it is asked before each page. */
  busyElsewhere?: () => Promise<boolean>;
};

/**
 * Before each page the loop is observed: by the work of others in that time it is judged busy or idle. The
 * first look may still include the sending of our own last page; so an idle loop is judged busy only after
 * two looks in a row, the second a longer one.
 */
const LOOKS_MS = [4, 10] as const;
const BUSY_SHARE = 0.1;
/**
 * While the loop is busy, reading rests for so many times as long as the last page took: the readings of a
 * process get a tenth of its time.
 */
const REST_TIMES = 9;
const REST_MOST_MS = 250;
/** A shorter look may fall between two callers, and so cannot show that the loop is idle again. */
const CALM_LOOK_MS = 20;

/**
 * An export of a million coupons at full speed takes six sevenths of the claims from a sale beside it
 * (measured), because both need the same event loop and the same MongoDB. So it goes at full speed only
 * while no other caller is served, by any process. The load of this one is measured while the reading
 * rests; claims and refusals count alike. On a machine whose processors others use, a loop seems busy
 * while it waits for one: so no more counts as work than the processor time of the process.
 */
export function createReadingPace({
  clock,
  loopActiveMs = activeMs,
  processorMs = usedMs,
  busyElsewhere = async () => false,
}: ReadingPaceDeps): ReadingPace {
  /** The readings that wait, in order of arrival; each function is called when its turn has come. */
  const waiting = new Set<() => void>();
  let taken = false;
  let busy = false;
  let lastPageMs = 0;

  /** The share of `lookMs` in which the loop had work, while the readings do nothing. */
  async function shareOfOthers(lookMs: number): Promise<number> {
    const [fromMs, activeFromMs, usedFromMs] = [clock.elapsed(), loopActiveMs(), processorMs()];
    await sleep(clock, lookMs);
    const workMs = Math.min(loopActiveMs() - activeFromMs, processorMs() - usedFromMs);
    return workMs / Math.max(1, clock.elapsed() - fromMs);
  }

  async function rest(): Promise<void> {
    if (busy) {
      const restMs = Math.min(REST_MOST_MS, Math.max(CALM_LOOK_MS, REST_TIMES * lastPageMs));
      busy = (await shareOfOthers(restMs)) > BUSY_SHARE || (await busyElsewhere());
      return;
    }
    busy = await busyElsewhere();
    if (busy) return;
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

function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
