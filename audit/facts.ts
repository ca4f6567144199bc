import type { Answers } from "./answers.ts";
import type { Change } from "./changes.ts";
import type { LogFacts, LoggedEntry, LogPart } from "./event-log.ts";
import type { HistoryEntry } from "./history.ts";
import type { RedemptionRecord, ToldRedemption } from "./redemptions.ts";
import type { Register } from "./register.ts";
import type { CampaignRecord, Issuance, PoolMark } from "./snapshot.ts";
import type { Timings } from "./timings.ts";
import type { Unusable, Verdict } from "./verdict.ts";

export type Tolerances = {
  /** How many ms the callers' wall clock may differ from the stores'; 0 on one machine. */
  readonly clockMs: number;
  /** How long after the start a request may still be refused as too early. */
  readonly lateRefusalMs: number;
};

export const ONE_MACHINE: Tolerances = { clockMs: 0, lateRefusalMs: 250 };

/** How many coupons a campaign has, and up to how many codes are being made for it. */
export type Ordered = Pick<CampaignRecord, "total" | "growingTo">;

/** What the checks of one audit have in common; it fills while the stores and the histories are read. */
export type Facts = {
  readonly campaign: CampaignRecord;
  readonly register: Register;
  readonly answers: Answers;
  readonly tolerances: Tolerances;
  readonly timings: Timings;
  /** Of a claim key of this campaign; undefined: the audit has no erasure key. */
  readonly pseudonymOf: ((claimKey: string) => string) | undefined;
  /** False: the codes that are not issued cannot be read, the audit is made from outside. */
  readonly codesAreKnown: boolean;
  readonly issued: number;
  /** Codes of the campaign: `made` within its total, `beyond` for coupons that are still being added. */
  readonly made: number;
  readonly beyond: number;
  /** The numbers on record after all codes and issuances were read: neither number ever falls. */
  readonly most: Ordered;
  /** Undefined: Redis cannot be read, the audit is made from outside. */
  readonly pool: PoolFacts | undefined;
  /** True: the sale goes on, and that is no fault: invariants that only hold at rest cannot be judged. */
  readonly live: boolean;
};

export type PoolFacts = {
  readonly pooled: number;
  readonly bound: number;
  /** Ledger entries by id `generation-seq`, with their age in ms. */
  readonly underWay: ReadonlyMap<string, number>;
  /** Before its contents were read; undefined: it cannot have changed meanwhile. */
  readonly before: PoolMark | undefined;
  readonly after: PoolMark;
  /** Why the pool cannot be judged; undefined: it can. */
  readonly unusable: Unusable | undefined;
};

/**
 * The check of one invariant, called for each thing that is read; a check leaves out methods that it does not
 * need.
 */
export type Check = {
  /** Each part of the campaign's event log in the order of all logs, ascending by its entries. */
  part?(part: LogPart): void;
  log?(log: LogFacts): void;
  /** Each entry of the log, in order. */
  logged?(entry: LoggedEntry): void;
  /**
   * Each issuance, in issue order, as slots of the register; `heldBefore`: the code the key had until now,
   * -1: none.
   */
  issued?(code: number, key: number, heldBefore: number, issuance: Issuance): void;
  /** Each confirmation of a redemption that a caller was answered; then each redemption on record. */
  toldRedemption?(told: ToldRedemption): void;
  redemption?(record: RedemptionRecord): void;
  /** Each entry of the histories, in the second reading. */
  entry?(entry: HistoryEntry, key: number): void;
  /** The campaign's changes, read after its event log. */
  changes?(changes: readonly Change[]): void;
  /** When all is read: each code, then each key. */
  code?(slot: number): void;
  key?(slot: number): void;
  verdict(): Verdict;
};

/**
 * Whether a claim had been made before the pool was read: a code that was claimed meanwhile may be seen in
 * two places, or in one too few.
 */
export function isSettled({ before }: PoolFacts, generation: number, seq: number): boolean {
  const { meta, seq: last = 0 } = before ?? {};
  if (before === undefined || meta === undefined) return true;
  return generation < meta.generation || (generation === meta.generation && seq <= last);
}
