import type { Answers } from "./answers.ts";
import type { HistoryEntry } from "./history.ts";
import type { Register } from "./register.ts";
import type { CampaignRecord, PoolMark } from "./snapshot.ts";
import type { Timings } from "./timings.ts";
import type { Unusable, Verdict } from "./verdict.ts";

export type Tolerances = {
  /** How far the callers' wall clock may be from the stores'; 0 on one machine. */
  readonly clockMs: number;
  /** How long after the start an ask may still be refused as too early. */
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
  /** False: nobody may see the codes that are not issued, the audit is made from outside. */
  readonly codesAreKnown: boolean;
  readonly issued: number;
  /** Codes of the campaign: of those it is to have, and of those that are only being added. */
  readonly made: number;
  readonly beyond: number;
  /** What the record orders after all codes and issuances were read: neither number ever falls. */
  readonly most: Ordered;
  /** Undefined: nobody may look into Redis, the audit is made from outside. */
  readonly pool: PoolFacts | undefined;
  /** True: the sale goes on, and that is no fault: what only holds at rest cannot be judged. */
  readonly live: boolean;
};

export type PoolFacts = {
  readonly pooled: number;
  readonly bound: number;
  /** Ledger entries by id `generation-seq`, with their age. */
  readonly underWay: ReadonlyMap<string, number>;
  /** Before its contents were read; undefined: nothing moved meanwhile for certain. */
  readonly before: PoolMark | undefined;
  readonly after: PoolMark;
  /** Why nothing can be said of the pool; undefined: it can. */
  readonly unusable: Unusable | undefined;
};

/**
 * One invariant, looked at while everything goes by; a part that has nothing to see leaves its method out.
 */
export type Check = {
  /**
   * Each issuance, in issue order, as slots of the register; `heldBefore`: the code the key had until now,
   * -1: none.
   */
  issued?(code: number, key: number, heldBefore: number, misfit: string | undefined): void;
  /** Each entry of the histories, in the second reading. */
  entry?(entry: HistoryEntry, key: number): void;
  /** When all is read: each code, then each key. */
  code?(slot: number): void;
  key?(slot: number): void;
  verdict(): Verdict;
};

/**
 * Whether a claim had been made before the pool was read: what was claimed meanwhile may be seen in two
 * places, or in one too few.
 */
export function isSettled({ before }: PoolFacts, generation: number, seq: number): boolean {
  const { meta, seq: last = 0 } = before ?? {};
  if (before === undefined || meta === undefined) return true;
  return generation < meta.generation || (generation === meta.generation && seq <= last);
}
