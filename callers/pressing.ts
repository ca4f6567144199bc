import type { HistoryEntry } from "../audit/history.ts";
import type { Ask } from "./answer.ts";
import type { Arrival } from "./arrivals.ts";
import { type OpenLoopResult, runOpenLoop } from "./open-loop.ts";
import { createPresser } from "./press.ts";
import { seededRandom } from "./random.ts";
import type { Scoreboard, Second } from "./scoreboard.ts";

export type Pressing = {
  readonly ask: Ask;
  readonly campaignId: string;
  readonly startsAtMs: number;
  readonly arrivals: readonly Arrival[];
  readonly seed: number;
  readonly history: HistoryEntry[];
  readonly scoreboard: Scoreboard;
  readonly onSecond: (second: Second) => void;
  readonly signal: AbortSignal;
};

/** The most connections of the load, and so the most tries at once. */
export const SOCKETS_MAX = 256;
/** Longer than the service's own deadline for a claim (ISSUE_DEADLINE_MS). */
const TRY_TIMEOUT_MS = 7_000;
/** Long enough to kill a store by hand and start it again. */
const PATIENCE_MS = 60_000;
const IN_FLIGHT_MAX = 20_000;
/** A second is shown so long after its end, so that its last answers are counted. */
const SHOW_AFTER_MS = 50;

/** Presses the button at the instants of the arrival list; calls `onSecond` after the end of each second. */
export async function pressAll(pressing: Pressing): Promise<OpenLoopResult> {
  const { ask, campaignId, startsAtMs, arrivals, seed, history, scoreboard, onSecond, signal } = pressing;
  const press = createPresser({
    ask,
    triesInFlightMax: SOCKETS_MAX,
    campaignId,
    tryTimeoutMs: TRY_TIMEOUT_MS,
    patienceMs: PATIENCE_MS,
    random: seededRandom(seed),
    signal,
    record(entry) {
      history.push(entry);
      scoreboard.onEntry(entry);
    },
  });

  // The list is relative to the opening, which is an instant of the wall clock; the driver counts on a
  // monotonic clock.
  const openingMs = performance.now() + (startsAtMs - Date.now());
  const lastDueMs = openingMs + (arrivals.at(-1)?.offsetMs ?? 0);
  let shown = Math.floor((arrivals[0]?.offsetMs ?? 0) / 1_000) - 1;
  const show = (upTo: number) => {
    for (; shown < upTo; shown += 1) onSecond(scoreboard.second(shown + 1));
  };
  let timer: NodeJS.Timeout | undefined;
  const showNext = () => {
    const second = Math.floor((Date.now() - SHOW_AFTER_MS - startsAtMs) / 1_000) - 1;
    show(second);
    const nextMs = startsAtMs + (Math.max(second, shown) + 2) * 1_000 + SHOW_AFTER_MS;
    timer = setTimeout(showNext, Math.max(1, nextMs - Date.now()));
  };
  showNext();
  try {
    return await runOpenLoop({
      dueMs: arrivals.map((arrival) => openingMs + arrival.offsetMs),
      inFlightMax: IN_FLIGHT_MAX,
      endsAtMs: lastDueMs + PATIENCE_MS + TRY_TIMEOUT_MS,
      signal,
      async launch(index, dueMs) {
        const arrival = arrivals[index];
        if (arrival === undefined) return;
        const result = await press(arrival.userId);
        scoreboard.onPress(result, arrival.offsetMs, performance.now() - dueMs);
      },
    });
  } finally {
    clearTimeout(timer);
    if (!signal.aborted) show(scoreboard.lastSecond());
  }
}
