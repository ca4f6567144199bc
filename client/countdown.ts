import { Code, ConnectError } from "@connectrpc/connect";
import { type Caller, tryOnce } from "./caller.ts";
import { type Waker, wait } from "./clock.ts";
import { getCampaignStatus } from "./contract.ts";
import { commonOutcome, failureOf } from "./failure.ts";
import { createLatest } from "./latest.ts";
import type { CampaignStatus, CommonOutcome } from "./outcome.ts";
import { CLAIM_BACK_OFF, retryDelayMs } from "./policy.ts";
import { nextPoll } from "./poll-plan.ts";
import { createServerClock } from "./server-clock.ts";
import { statusOf } from "./status.ts";

export type CountdownView =
  | ({
      readonly kind: "campaign";
      /** How far `millisToStart` may be wrong. */
      readonly uncertaintyMs: number;
      /** False: the last question had no answer, or the device slept; what is shown is calculated. */
      readonly isCurrent: boolean;
    } & Omit<CampaignStatus, "serverTime">)
  /** There was no answer yet; the countdown goes on asking. */
  | { readonly kind: "connecting"; readonly message: string }
  /** The countdown has ended: there is nothing to count to. */
  | Exclude<CommonOutcome, { readonly kind: "unanswered" }>;

export type CountdownOptions = {
  /** Ends the countdown. */
  readonly signal?: AbortSignal | undefined;
  /** How often a view comes before the start, besides on changes; default 1 s, at whole seconds. */
  readonly tickMs?: number | undefined;
};

/**
 * Iterating gives the newest view each time: a slow reader misses some, never the last. It ends by itself
 * when its last reader has left.
 */
export type Countdown = AsyncIterable<CountdownView> & {
  /** Calls back with each view, at once with the present one; returns what ends the subscription. */
  subscribe(listener: (view: CountdownView) => void): () => void;
  /** To the start, now; 0 once it has passed; undefined: there was no answer yet. */
  millisToStart(): number | undefined;
  /** Ends it; readers end, too. */
  close(): void;
};

const TICK_MS = 1_000;
/** The clocks of a device disagree by more than this over one tick: it slept, or its wall clock was set. */
const JUMP_MS = 1_000;

/** The same method as a POST, which no cache answers. */
const exactStatus = { ...getCampaignStatus, idempotency: 0 } satisfies typeof getCampaignStatus;

export function countdown(
  caller: Caller,
  campaignId: string,
  { signal, tickMs: askedTickMs = TICK_MS }: CountdownOptions,
): Countdown {
  const { clock, random, connection } = caller;
  // A wait of nothing would never let the page go on.
  const tickMs = askedTickMs >= 1 ? askedTickMs : TICK_MS;
  // Public: without a credential the browser sends it to another origin without a preflight.
  const asker: Caller = { ...caller, token: undefined };
  const own = new AbortController();
  const serverClock = createServerClock();
  const latest = createLatest<CountdownView>(close);
  let known: CampaignStatus | undefined;
  let isCurrent = false;
  let samples = 0;
  let sampledMs = 0;
  /** True: the device may have slept, so the next exact answer replaces all samples. */
  let isSuspect = false;
  let failures = 0;
  let retryAfterMs = 0;
  let hurry = (): void => {};
  let lastGapMs = clock.now() - clock.elapsed();

  function close(): void {
    own.abort();
    signal?.removeEventListener("abort", close);
    latest.end();
  }

  function millisToStart(): number | undefined {
    const now = serverClock.at(clock.elapsed());
    if (known === undefined || now === undefined) return undefined;
    return Math.max(0, known.startsAt.getTime() - now.serverMs);
  }

  function show(): void {
    const now = serverClock.at(clock.elapsed());
    if (known === undefined || now === undefined) return;
    const { serverTime: _, ...status } = known;
    latest.put({
      ...{ kind: "campaign", ...status },
      ...{ millisToStart: millisToStart() ?? 0, uncertaintyMs: now.uncertaintyMs, isCurrent },
    });
  }

  /** True, once for each jump: the two clocks of the device have parted. */
  function hasJumped(): boolean {
    const gapMs = clock.now() - clock.elapsed();
    if (Math.abs(gapMs - lastGapMs) < JUMP_MS) return false;
    lastGapMs = gapMs;
    isSuspect = true;
    isCurrent = false;
    samples = 0;
    return true;
  }

  async function ask(isExact: boolean): Promise<void> {
    const gapMs = clock.now() - clock.elapsed();
    const sentMs = clock.elapsed();
    const message = await tryOnce(
      asker,
      isExact ? exactStatus : getCampaignStatus,
      { campaignId },
      own.signal,
    );
    const receivedMs = clock.elapsed();
    const status = statusOf(message);
    if (status === undefined) throw new ConnectError("an answer that is not whole", Code.DataLoss);
    // A device that slept under way has measured a round trip that is too short.
    const sleptMs = Math.abs(clock.now() - receivedMs - gapMs);
    hasJumped();
    if (isExact && sleptMs < JUMP_MS) {
      if (isSuspect) serverClock.reset();
      isSuspect = false;
      samples += 1;
      sampledMs = receivedMs;
      serverClock.add(sentMs, receivedMs, status.serverTime.getTime());
    }
    // A cache may answer with less than is known.
    if (isExact || known === undefined || status.serverTime >= known.serverTime) known = status;
    isCurrent = !isSuspect;
  }

  async function poll(): Promise<void> {
    while (!own.signal.aborted) {
      const { state, soldOut = false } = known ?? {};
      const sampleAgeMs = clock.elapsed() - sampledMs;
      const plan = nextPoll(
        { millisToStart: millisToStart(), state, soldOut, samples, sampleAgeMs },
        random(),
      );
      const waitMs =
        failures === 0 ? plan.afterMs : retryDelayMs(CLAIM_BACK_OFF, failures, retryAfterMs, random());
      await wait(clock, waitMs, own.signal, hurried);
      if (own.signal.aborted) return;
      try {
        await ask(plan.isExact || samples === 0);
        failures = 0;
        show();
      } catch (error) {
        if (own.signal.aborted) return;
        const failure = failureOf(error);
        const outcome = commonOutcome(failure);
        ({ retryAfterMs } = failure);
        failures += 1;
        isCurrent = false;
        if (outcome.kind !== "unanswered") {
          latest.put(outcome);
          close();
        } else if (known === undefined) latest.put({ kind: "connecting", message: failure.message });
        else show();
      }
    }
  }

  const hurried: Waker = (wake) => {
    hurry = wake;
    return connection.onOnline(wake);
  };

  async function tick(): Promise<void> {
    while (!own.signal.aborted) {
      const before = millisToStart() ?? 0;
      await wait(clock, before % tickMs || tickMs, own.signal);
      if (own.signal.aborted) return;
      const jumped = hasJumped();
      if (jumped) hurry();
      if (before > 0 || jumped) show();
    }
  }

  signal?.addEventListener("abort", close);
  if (signal?.aborted === true) close();
  void poll();
  void tick();
  return {
    [Symbol.asyncIterator]: () => latest[Symbol.asyncIterator](),
    subscribe: (listener) => latest.subscribe(listener),
    ...{ millisToStart, close },
  };
}
