import type { Heard } from "../../pool/master-finder.ts";
import type { ClockOffset } from "../../pool/redis-clock.ts";
import type { RedisInfo, SlotState } from "../../pool/redis-facts.ts";
import type { RecordedState } from "../../record/documents.ts";
import type { Deployment } from "../../record/mongo-facts.ts";
import type { SeenProcess } from "../../record/processes.ts";
import type { Asked } from "./asked.ts";

/** What the pool in Redis holds of the campaign. */
export type PoolFacts = {
  /** `ok`, or why the pool issues nothing. */
  readonly status: string;
  readonly generation: number;
  /** Codes that nobody has, over all lists of the pool. */
  readonly codes: number;
  readonly claims: number;
  readonly ledger: number;
  /** 0: the pool has not opened yet. */
  readonly armedAtMs: number;
  readonly startsAtMs: number;
  /** 0: the campaign has no end. */
  readonly endsAtMs: number;
};

/** All facts that preflight judges; read at about the same moment, each by its own call. */
export type Facts = {
  readonly nowMs: number;
  readonly campaign: {
    readonly state: RecordedState;
    readonly total: number;
    readonly generated: number;
    readonly generation: number;
    readonly loadedGeneration: number;
    readonly startsAtMs: number;
    readonly endsAtMs: number | undefined;
    /** How its claims are authenticated at least. */
    readonly claimAuth: "open" | "key" | "token";
    /** The shape of all that is stored of it. */
    readonly shape: number;
    /** Its codes were imported: nobody knows how they were made. */
    readonly imported?: boolean;
  };
  /** Odds, from 0 to 1, that one guess at a code of its format hits one that exists; undefined: unknown. */
  readonly guessOdds: Asked<number | undefined>;
  /** Durable issuances in MongoDB. */
  readonly issued: Asked<number>;
  readonly pool: Asked<PoolFacts>;
  readonly redis: {
    readonly info: Asked<RedisInfo>;
    /** A managed Redis may refuse to return it. */
    readonly appendfsync: Asked<string>;
    /** The slot in a Redis Cluster; undefined: it is no cluster. */
    readonly slot: Asked<SlotState | undefined>;
    /** An actual write in the campaign's slot: how long it took, in ms. */
    readonly write: Asked<number>;
    /** What this process heard of the Sentinels within the last second; undefined: REDIS_URL names none. */
    readonly sentinels?: Heard | undefined;
  };
  readonly mongodb: {
    /** An actual write, majority and journaled: how long it took, in ms. */
    readonly write: Asked<number>;
    readonly deployment: Asked<Deployment>;
  };
  /** The clock of the process that runs the preflight, against the Redis of this campaign. */
  readonly ownClock: Asked<ClockOffset>;
  /** Processes with a heartbeat within the last minute. */
  readonly processes: Asked<readonly SeenProcess[]>;
};
