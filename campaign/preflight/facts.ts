import type { ClockOffset } from "../../pool/redis-clock.ts";
import type { RedisInfo, SlotState } from "../../pool/redis-facts.ts";
import type { RecordedState } from "../../record/documents.ts";
import type { Deployment } from "../../record/mongo-facts.ts";
import type { SeenProcess } from "../../record/processes.ts";
import type { Asked } from "./asked.ts";

/** What the pool in Redis has of the campaign. */
export type PoolFacts = {
  /** `ok`, or why it answers nobody. */
  readonly status: string;
  readonly generation: number;
  /** Codes that nobody has, wherever they wait. */
  readonly codes: number;
  readonly claims: number;
  readonly ledger: number;
  /** 0: not yet. */
  readonly armedAtMs: number;
  readonly startsAtMs: number;
  /** 0: none. */
  readonly endsAtMs: number;
};

/** Everything that is looked at before a start; read at about one moment, each by itself. */
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
  };
  /** Durable issuances in MongoDB. */
  readonly issued: Asked<number>;
  readonly pool: Asked<PoolFacts>;
  readonly redis: {
    readonly info: Asked<RedisInfo>;
    /** A managed Redis may forbid to read it. */
    readonly appendfsync: Asked<string>;
    /** Of a cluster; undefined: it is none. */
    readonly slot: Asked<SlotState | undefined>;
    /** An actual write in the campaign's slot: how long it took, in ms. */
    readonly write: Asked<number>;
  };
  readonly mongodb: {
    /** An actual write, majority and journaled: how long it took, in ms. */
    readonly write: Asked<number>;
    readonly deployment: Asked<Deployment>;
  };
  /** Of the process that looks, against the Redis of this campaign. */
  readonly ownClock: Asked<ClockOffset>;
  /** Those heard of within the last minute. */
  readonly processes: Asked<readonly SeenProcess[]>;
};
