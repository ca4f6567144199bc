import { createHistoryWriter, type HistoryEntry } from "../../audit/history.ts";
import { createHttpClient } from "../../callers/http-client.ts";
import { runOpenLoop } from "../../callers/open-loop.ts";
import { createPresser } from "../../callers/press.ts";
import { seededRandom } from "../../callers/random.ts";

export type CrowdOptions = {
  readonly urls: readonly string[];
  readonly campaignId: string;
  readonly ratePerSecond: number;
  readonly seed: number;
  readonly signal: AbortSignal;
};

/**
 * Callers that ask by the clock, at each server in turn, whatever the service does, and record all their
 * answers.
 */
export type Crowd = {
  /** In the order of the answers. */
  readonly history: readonly HistoryEntry[];
  /**
   * The share of the callers from now on that have no coupon yet, 0 to 1; the others are holders that ask
   * again, once there are holders.
   */
  setAppetite(part: number): void;
  /**
   * The answers to requests that were sent not before `fromMs` and answered not after `untilMs`, by the wall
   * clock.
   */
  between(fromMs: number, untilMs?: number): HistoryEntry[];
  /** Starts no more callers; resolves when all started callers have their answers. */
  stop(): Promise<{ readonly asked: number; readonly worstLagMs: number }>;
};

const SOCKETS_A_SERVER = 128;
const TRY_TIMEOUT_MS = 7_000;
const PATIENCE_MS = 30_000;
/**
 * The user of a request is chosen when it is sent, so on a busy machine all waiting requests may take a
 * coupon once the campaign opens: this must be far fewer than the coupons.
 */
const IN_FLIGHT_MAX = 500;
/** The load ends by itself after this, even if the scenario does not stop it. */
const LONGEST_MS = 1_800_000;
/** The share of the callers without a coupon that have asked before. */
const COME_BACK = 0.5;
/** The share at first, before there are holders and before the opening. */
const FIRST_APPETITE = 0.1;

export function startCrowd({ urls, campaignId, ratePerSecond, seed, signal }: CrowdOptions): Crowd {
  const random = seededRandom(seed);
  const history: HistoryEntry[] = [];
  const holders: string[] = [];
  const isHolder = new Set<string>();
  let people = 0;
  let appetite = FIRST_APPETITE;
  let inFlight = 0;
  let whenIdle: (() => void) | undefined;

  const clients = urls.map((url) => createHttpClient(url, SOCKETS_A_SERVER));
  let turn = 0;
  const press = createPresser({
    ask(...asked) {
      turn += 1;
      const client = clients[turn % clients.length];
      if (client === undefined) throw new Error("a crowd needs a server");
      return client.ask(...asked);
    },
    triesInFlightMax: SOCKETS_A_SERVER * urls.length,
    campaignId,
    tryTimeoutMs: TRY_TIMEOUT_MS,
    patienceMs: PATIENCE_MS,
    random,
    signal,
    record(entry) {
      history.push(entry);
      if (entry.outcome.kind !== "issued" || isHolder.has(entry.claimKey)) return;
      isHolder.add(entry.claimKey);
      holders.push(entry.claimKey);
    },
  });

  function nextUser(): string {
    const holder = holders[Math.floor(random() * holders.length)];
    if (holder !== undefined && random() >= appetite) return holder;
    if (people > 0 && random() < COME_BACK) {
      const earlier = `user-${Math.floor(random() * people)}`;
      if (!isHolder.has(earlier)) return earlier;
    }
    people += 1;
    return `user-${people - 1}`;
  }

  const over = new AbortController();
  const fromMs = performance.now();
  const driven = runOpenLoop({
    dueMs: Array.from(
      { length: (LONGEST_MS / 1_000) * ratePerSecond },
      (_, index) => fromMs + (index * 1_000) / ratePerSecond,
    ),
    inFlightMax: IN_FLIGHT_MAX,
    endsAtMs: fromMs + LONGEST_MS,
    signal: AbortSignal.any([signal, over.signal]),
    async launch() {
      inFlight += 1;
      await press(nextUser());
      inFlight -= 1;
      if (inFlight === 0) whenIdle?.();
    },
  });

  return {
    history,
    setAppetite(part) {
      appetite = part;
    },
    between: (from, until = Number.POSITIVE_INFINITY) =>
      history.filter(({ invokedAtMs, answeredAtMs }) => invokedAtMs >= from && answeredAtMs <= until),
    async stop() {
      over.abort();
      const { launched, worstLagMs } = await driven;
      if (inFlight > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      for (const client of clients) client.close();
      return { asked: launched, worstLagMs };
    },
  };
}

export async function writeHistory(file: string, history: readonly HistoryEntry[]): Promise<void> {
  const writer = createHistoryWriter(file);
  for (const entry of history) writer.write(entry);
  await writer.close();
}

/**
 * The number of answers of each kind: "issued" to a new holder, "again" to a holder, or the reason; most
 * frequent first.
 */
export function tallyOf(entries: readonly HistoryEntry[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome } of entries) {
    const name =
      outcome.kind === "issued"
        ? outcome.replayed
          ? "again"
          : "issued"
        : outcome.kind === "refused"
          ? outcome.reason
          : "unclear";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].sort(([, a], [, b]) => b - a));
}
