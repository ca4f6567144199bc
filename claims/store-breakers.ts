import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import { type CommitBreakers, createCommitBreakers } from "./commit-breakers.ts";

/**
 * The kinds of calls that have a breaker, as metrics name them; `pools`: one breaker for each campaign;
 * `commits`: one for each campaign, and one for all.
 */
export const BREAKERS = ["commits", "reads", "pools"] as const;

/** One breaker for each kind of call to a store that can fail separately. */
export type StoreBreakers = {
  /** Durable writes to MongoDB: while one is open, no code of its campaign is popped. */
  readonly commits: CommitBreakers;
  /** Reads of MongoDB that an answer needs. */
  readonly reads: Breaker;
  /** The pool of a campaign: each may be on another node of a Redis Cluster. */
  pool(campaignId: string): Breaker;
  /** Whether requests are refused because calls of this kind get no answer. */
  holdsBack(kind: (typeof BREAKERS)[number]): boolean;
  /** Starts the probes that are due, which requests start otherwise. */
  probe(): void;
  /** True while any of them is not closed. */
  anyOpen(): boolean;
  /** Calls back each time that a breaker of `commits` or `pools` opens. */
  onOpen(listener: (opened: OpenedBreaker) => void): void;
};

/** Without a campaign: that of all campaigns. */
export type OpenedBreaker = {
  readonly kind: Exclude<(typeof BREAKERS)[number], "reads">;
  readonly campaignId?: string | undefined;
};

export type StoreBreakersDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A durable write under way for longer than this opens the breaker, in ms. */
  readonly commitStallMs: number;
  /** The same for a call to Redis and for a read of MongoDB, in ms. */
  readonly storeStallMs: number;
  readonly probes: {
    /** A write as durable as a commit. */
    write(): Promise<unknown>;
    /** A read as a look-up makes it. */
    read(): Promise<unknown>;
    /** A script of the campaign's pool that changes nothing. */
    pool(campaignId: string): Promise<unknown>;
  };
};

/** Beyond so many campaigns, closed breakers are dropped from memory. */
const POOLS_MAX = 2_000;

export function createStoreBreakers(deps: StoreBreakersDeps): StoreBreakers {
  const { clock, logger, commitStallMs, storeStallMs, probes } = deps;
  const pools = new Map<string, Breaker>();
  const listeners: ((opened: OpenedBreaker) => void)[] = [];
  const tell = (opened: OpenedBreaker) => {
    for (const listener of listeners) listener(opened);
  };
  const commits = createCommitBreakers({
    ...{ clock, logger, stallMs: commitStallMs, probe: probes.write },
    onOpen: (campaignId) => tell({ kind: "commits", campaignId }),
  });
  const reads = createBreaker({
    ...{ store: "MongoDB (reads)", clock, logger, stallMs: storeStallMs },
    probe: probes.read,
  });

  function letGo(): void {
    for (const [id, { state }] of pools) if (state() === "closed") pools.delete(id);
  }

  const ofKind = { commits: () => commits.all(), reads: () => [reads], pools: () => [...pools.values()] };
  const all = () => BREAKERS.flatMap((kind) => ofKind[kind]());

  return {
    commits,
    reads,
    pool(campaignId) {
      const existing = pools.get(campaignId);
      if (existing !== undefined) return existing;
      if (pools.size >= POOLS_MAX) letGo();
      const breaker = createBreaker({
        ...{ store: "Redis", clock, logger: logger.child({ campaign: campaignId }), stallMs: storeStallMs },
        probe: () => probes.pool(campaignId),
        onOpen: () => tell({ kind: "pools", campaignId }),
      });
      pools.set(campaignId, breaker);
      return breaker;
    },
    onOpen: (listener) => void listeners.push(listener),
    holdsBack: (kind) => ofKind[kind]().some((breaker) => breaker.holdsBack()),
    probe() {
      commits.probe();
      for (const breaker of [reads, ...pools.values()]) breaker.probe();
    },
    anyOpen: () => all().some(({ state }) => state() !== "closed"),
  };
}
