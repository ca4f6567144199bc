import { MongoNetworkTimeoutError, MongoServerSelectionError, MongoWriteConcernError } from "mongodb";
import { isRepeatable } from "../record/retryable-insert.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Admission, type Breaker, type BreakerState, createBreaker } from "./breaker.ts";
import { isDenial } from "./store-error.ts";

/**
 * The breakers of durable writes: one for each campaign, and one for all of them. A lock on documents of one
 * campaign, or a document that MongoDB does not take, stops the commits of that campaign alone.
 */
export type CommitBreakers = {
  /** `open` where either of its breakers is; `closed` where both are. */
  state(campaignId: string): BreakerState;
  admit(campaignId: string): Admission;
  /** See Breaker. */
  returnTrial(campaignId: string): void;
  /** Reports that an insert begins. Call the returned function at its end, with the error if it failed. */
  begin(campaignId: string): (failure?: unknown) => void;
  /** Whether writes of all campaigns are refused. */
  holdsBack(): boolean;
  /** Those that exist: that of all campaigns is the first. */
  all(): Breaker[];
  /** Starts the probes that are due. */
  probe(): void;
};

export type CommitBreakersDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A durable write under way for longer than this counts as not answered, in ms. */
  readonly stallMs: number;
  /** A write as durable as a commit, of no campaign. */
  readonly probe: () => Promise<unknown>;
  /** `campaignId` undefined: commits of all campaigns are refused from now on. */
  readonly onOpen: (campaignId?: string) => void;
};

/** Beyond so many campaigns, closed breakers are dropped from memory. */
const CAMPAIGNS_MAX = 2_000;
/** While all are let through one by one: for so long a campaign that waits for its first trial goes first. */
const FIRST_TRIAL_MS = 1_000;
/** A probe that writes one document does not prove that issuances can be written. */
const TRIALS = { trials: true } as const;

/**
 * A commit that fails or stalls opens the breaker of its campaign. The breaker of all campaigns opens where
 * the trouble is MongoDB's: its connection or its majority is lost, the probe has no answer either, or a
 * second campaign stalls while no commit of any campaign is answered.
 */
export function createCommitBreakers({
  clock,
  logger,
  stallMs,
  probe,
  onOpen,
}: CommitBreakersDeps): CommitBreakers {
  const owns = new Map<string, Breaker>();
  /** Inserts are numbered as they begin; the last one that MongoDB had begun to get when it last answered. */
  let begun = 0;
  let answered = 0;
  let answeredAtMs = Number.NEGATIVE_INFINITY;
  let probing: Promise<unknown> | undefined;
  /** Campaigns that had a trial since the breaker of all opened; when one that had none was refused last. */
  const tried = new Set<string>();
  let untriedAtMs = Number.NEGATIVE_INFINITY;

  const common = { clock, stallMs, ...TRIALS, probe: () => (probing ??= probeOnce()) };
  const shared = createBreaker({
    ...{ ...common, store: "MongoDB (durable writes)", logger, onOpen: () => onOpen() },
  });

  /** One question for all breakers that are open. */
  async function probeOnce(): Promise<void> {
    const since = begun;
    try {
      await withDeadline((async () => probe())(), stallMs, "probe of MongoDB", clock);
      answered = Math.max(answered, since);
    } catch (error) {
      suspectAll(since);
      throw error;
    } finally {
      probing = undefined;
    }
  }

  /** Unless MongoDB has answered an insert that began later, or a probe. */
  function suspectAll(since: number): void {
    if (shared.state() === "closed" && answered <= since) shared.suspect();
  }

  function opened(campaignId: string, breaker: Breaker): void {
    // One that was dropped from memory still watches the inserts that began before.
    if (owns.get(campaignId) !== breaker) return;
    onOpen(campaignId);
    const isLone = [...owns].every(([id, own]) => id === campaignId || !own.holdsBack());
    if (!isLone && clock.elapsed() - answeredAtMs >= stallMs && shared.state() === "closed") shared.suspect();
  }

  /** A campaign whose trials fail takes none from others. */
  function mustWait(campaignId: string): boolean {
    return (
      shared.state() !== "closed" && tried.has(campaignId) && clock.elapsed() - untriedAtMs < FIRST_TRIAL_MS
    );
  }

  function letGo(): void {
    for (const [id, own] of owns) if (own.state() === "closed") owns.delete(id);
  }

  function ownOf(campaignId: string): Breaker {
    const existing = owns.get(campaignId);
    if (existing !== undefined) return existing;
    if (owns.size >= CAMPAIGNS_MAX) letGo();
    const own: Breaker = createBreaker({
      ...{ ...common, store: "MongoDB (durable writes of one campaign)" },
      logger: logger.child({ campaign: campaignId }),
      onOpen: () => opened(campaignId, own),
    });
    owns.set(campaignId, own);
    return own;
  }

  return {
    state(campaignId) {
      const ofAll = shared.state();
      const ofOwn = owns.get(campaignId)?.state() ?? "closed";
      return ofAll === "open" || ofOwn === "closed" ? ofAll : ofOwn;
    },

    admit(campaignId) {
      const own = owns.get(campaignId);
      const ofOwn = own?.admit() ?? "go";
      if (ofOwn === "refuse") {
        shared.probe();
        return "refuse";
      }
      const ofAll = mustWait(campaignId) ? "refuse" : shared.admit();
      if (ofAll === "go") return ofOwn;
      if (ofAll === "trial") {
        tried.add(campaignId);
        untriedAtMs = Number.NEGATIVE_INFINITY;
        return "trial";
      }
      if (ofOwn === "trial") own?.returnTrial();
      if (!tried.has(campaignId)) untriedAtMs = clock.elapsed();
      return "refuse";
    },

    returnTrial(campaignId) {
      tried.delete(campaignId);
      owns.get(campaignId)?.returnTrial();
      shared.returnTrial();
    },

    begin(campaignId) {
      begun++;
      const order = begun;
      const endOwn = ownOf(campaignId).begin();
      const endShared = shared.state() === "closed" ? undefined : shared.begin();
      return (failure) => {
        const isAnswered = failure === undefined;
        if (isAnswered) {
          answered = Math.max(answered, order);
          answeredAtMs = clock.elapsed();
        }
        endOwn(isAnswered);
        endShared?.(isAnswered);
        if (!isAnswered && concernsAll(failure)) suspectAll(order);
        // What stalled while MongoDB was away says nothing about a campaign.
        if (endShared !== undefined && isAnswered && shared.state() === "closed") {
          owns.clear();
          tried.clear();
        }
      };
    },

    holdsBack: () => shared.holdsBack(),
    all: () => [shared, ...owns.values()],

    probe() {
      shared.probe();
      for (const own of owns.values()) own.probe();
    },
  };
}

/** Whether an insert failed for a reason that every other campaign's would meet. */
function concernsAll(error: unknown): boolean {
  // One call that hangs: another one may be answered.
  if (error instanceof MongoNetworkTimeoutError) return false;
  if (error instanceof MongoServerSelectionError || error instanceof MongoWriteConcernError) return true;
  return isRepeatable(error) || isDenial(error);
}
