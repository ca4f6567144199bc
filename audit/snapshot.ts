import type { Change } from "./changes.ts";
import type { LogFacts, LoggedEntry, LogPart } from "./event-log.ts";
import type { RedemptionRecord, RedemptionRules } from "./redemptions.ts";

/**
 * The contents of both stores for one campaign, as plain data: all input of the checks besides the history.
 */
export type Snapshot = {
  readonly campaign: CampaignRecord;
  /** C: every code of the campaign, in the order of their ordinals. */
  readonly codes: readonly string[];
  /** I: the durable issuances. */
  readonly issuances: readonly Issuance[];
  readonly redis: RedisSide;
  /** The event log of the campaign; absent: there is none. */
  readonly events?: EventsSide;
  /** The redemptions of its codes; absent: none. */
  readonly redemptions?: readonly RedemptionRecord[];
};

export type CampaignRecord = {
  readonly id: string;
  readonly total: number;
  /** Codes up to this number are being made, or were until it was over; undefined: none beyond `total`. */
  readonly growingTo?: number;
  /**
   * How many coupons it had before each addition, ascending, and when each was; undefined: always `total`.
   */
  readonly growth?: readonly { readonly from: number; readonly atMs: number }[];
  /** When its start was moved for the last time; undefined: never. */
  readonly startMovedAtMs?: number;
  /** An operator ended or cancelled it, and its pool may still have to follow. */
  readonly settling?: true;
  readonly startsAtMs: number;
  readonly endsAtMs: number | undefined;
  readonly openedAtMs: number | undefined;
  readonly onePerUser: boolean;
  /** How many coupons a user may have, where it is more than one; undefined: one, or any number. */
  readonly maxPerUser?: number;
  readonly state: string;
  readonly generation: number;
  /** It has erased users, under the key with this fingerprint; undefined: none. */
  readonly erasure?: string;
  /** The rules by which its coupons are redeemed; absent: each once, at any time. */
  readonly redemption?: RedemptionRules;
};

export type Issuance = {
  readonly code: string;
  readonly claimKey: string;
  /** Beside the claim key; undefined: not recorded, or of the pool. */
  readonly userId?: string;
  readonly generation: number;
  readonly seq: number;
  readonly issuedAtMs: number;
  /**
   * Which field of its document has a wrong type, and what it is instead; undefined: all are right.
   */
  readonly misfit?: string;
};

export type RedisSide = {
  /** Undefined: Redis has no pool of this campaign. */
  readonly meta: PoolMeta | undefined;
  readonly staged: readonly string[];
  readonly open: readonly string[];
  /** Codes of a paused or cancelled campaign. */
  readonly away: readonly string[];
  /** The claims hash, one entry a claim key. */
  readonly claims: readonly Issuance[];
  /** The highest number given so far in this generation. */
  readonly seq: number;
  /** Ids of ledger entries: claims not yet confirmed durable. */
  readonly ledgerIds: readonly string[];
  /** The lengths that Redis returned, all in one transaction, after the contents had been read. */
  readonly lengths: PoolLengths;
};

export type EventsSide = {
  readonly parts: readonly LogPart[];
  readonly log: LogFacts;
  readonly entries: readonly LoggedEntry[];
  readonly changes: readonly Change[];
};

export type PoolLengths = {
  readonly staged: number;
  readonly open: number;
  readonly away: number;
  readonly claims: number;
  readonly ledger: number;
};

export type PoolMeta = {
  readonly state: string;
  readonly startsAtMs: number;
  /** 0: none. */
  readonly endsAtMs: number;
  readonly generation: number;
  readonly total: number;
  /** The generation of its last load; changes may have raised `generation` since; undefined: not recorded. */
  readonly base?: number;
  /**
   * The generation of a change of the campaign that is being decided, or that a crashed process left
   * undecided.
   */
  readonly held?: number;
  /** 0: not yet. */
  readonly armedAtMs: number;
  /** The fingerprint of the key of its pseudonyms; undefined: it does not ask for any. */
  readonly erased?: string;
  /** How many of its claims got pseudonyms; undefined: none. */
  readonly erasures?: number;
};

/** The pool at one moment; the difference of two of them shows what may have changed in between. */
export type PoolMark = {
  readonly meta: PoolMeta | undefined;
  /** The highest number given so far in this generation. */
  readonly seq: number;
  readonly lengths: PoolLengths;
  /** True: it was loaded into another Redis process or dataset, and the scripts refuse it. */
  readonly fenced: boolean;
};
