import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Breaker, createBreaker } from "./breaker.ts";

/** The kinds of calls that have a breaker, as metrics name them; `pools`: one breaker for each campaign. */
export const BREAKERS = ["commits", "reads", "pools"] as const;

/** One breaker for each kind of call to a store that can fail separately. */
export type StoreBreakers = {
  /** Durable writes to MongoDB: while it is open, no code is popped. */
  readonly commits: Breaker;
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
  /** Calls back each time that a breaker opens: `commits` without an argument, a pool with its campaign. */
  onOpen(listener: (campaignId?: string) => void): void;
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
  const listeners: ((campaignId?: string) => void)[] = [];
  const tell = (campaignId?: string) => {
    for (const listener of listeners) listener(campaignId);
  };
  const commits = createBreaker({
    ...{ store: "MongoDB (durable writes)", clock, logger, stallMs: commitStallMs },
    probe: probes.write,
    // A probe that writes one document does not prove that issuances can be written.
    trials: true,
    onOpen: () => tell(),
  });
  const reads = createBreaker({
    ...{ store: "MongoDB (reads)", clock, logger, stallMs: storeStallMs },
    probe: probes.read,
  });

  function letGo(): void {
    for (const [id, { state }] of pools) if (state() === "closed") pools.delete(id);
  }

  const ofKind = { commits: () => [commits], reads: () => [reads], pools: () => [...pools.values()] };
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
        onOpen: () => tell(campaignId),
      });
      pools.set(campaignId, breaker);
      return breaker;
    },
    onOpen: (listener) => void listeners.push(listener),
    holdsBack: (kind) => ofKind[kind]().some((breaker) => breaker.holdsBack()),
    probe() {
      for (const breaker of all()) breaker.probe();
    },
    anyOpen: () => all().some(({ state }) => state() !== "closed"),
  };
}
