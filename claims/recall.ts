import type { Rate } from "../access/token-buckets.ts";
import { createTokenBuckets } from "../access/token-buckets.ts";
import { claimOf } from "../campaign/claim-record.ts";
import type { Claim } from "../pool/answers.ts";
import type { Issuances } from "../record/issuances.ts";
import type { Clock } from "../runtime/clock.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";
import { QueueFull } from "./batch-queue.ts";
import type { Breaker } from "./breaker.ts";
import type { Claimer } from "./claimer.ts";
import type { ErasureMarks } from "./erasure-marks.ts";
import { findHeld } from "./find-held.ts";

/**
 * The coupon that a claim key has, for a request that may not claim: no limit keeps a winner's coupon back.
 */
export type Recall = {
  /**
   * undefined: there is none, or it cannot be told now; the coupon is kept, and a later request gets it.
   * `subject`: who asks; look-ups are counted by it. Never rejects.
   */
  find(campaignId: string, claimKey: string, subject: string): Claim | undefined | Promise<Claim | undefined>;
  /**
   * The result of `look`, another look-up for such a request, within the same bounds. @throws QueueFull
   * beyond them
   */
  lookUp<T>(subject: string, look: () => Promise<T>): Promise<T>;
  /**
   * A durable coupon was answered: what was looked up before no longer holds. `isRepeated`: not for the first
   * time, so its holder may go on asking.
   */
  note(coupon: Claim, isRepeated: boolean): void;
  /** The coupon of a repeated answer of a moment ago; no store is asked. */
  repeated(campaignId: string, claimKey: string): Claim | undefined;
};

export type RecallDeps = {
  claimer: Pick<Claimer, "remembered">;
  issuances: Pick<Issuances, "findByClaimKey">;
  marks: Pick<ErasureMarks, "demanded" | "onErased">;
  reads: Breaker;
  clock: Clock;
};

/** Look-ups in MongoDB under way at once in a process, of coupons and of campaigns. */
export const RECALLS_MAX = 16;
/** Look-ups of one subject, such as an address that many users share. */
const LOOK_UPS: Rate = { count: 20, seconds: 2 };
const HALF_MAX = 10_000;
/**
 * For how long "no coupon" is kept: another server may issue one meanwhile, which is then found later by
 * this.
 */
const NONE_FOR_MS = 500;
/** A coupon never changes, but rehearsals are removed, and an operator may restore an older database. */
const REPEATED_FOR_MS = 10_000;

type Repeated = { readonly coupon: Claim; readonly untilMs: number };

/**
 * First from memory, then by one look-up in MongoDB. Look-ups are few, so that requests over a limit cost
 * less than claims and not more.
 */
export function createRecall({ claimer, issuances, marks, reads, clock }: RecallDeps): Recall {
  const found = createRecentEntries<Claim>(HALF_MAX);
  const noneUntilMs = createRecentEntries<number>(HALF_MAX);
  /** A winner that asks once costs no memory here: kept, each claim would take 1.5 µs more. */
  const repeated = createRecentEntries<Repeated>(HALF_MAX);
  const perSubject = createTokenBuckets(LOOK_UPS, clock);
  let underWay = 0;
  /**
   * The last look-up under way of each coupon. It is taken out where the coupon is issued meanwhile: that the
   * look-up found none is no longer true then.
   */
  const asking = new Map<string, symbol>();
  /** Counts erasures: what was read before one may have ids of erased users. */
  let erasures = 0;
  marks.onErased(() => {
    erasures += 1;
    for (const memory of [found, noneUntilMs, repeated]) memory.clear();
  });

  /** Counts a look-up of the subject that starts now. */
  const mayLookUp = (subject: string) => underWay < RECALLS_MAX && perSubject.take(subject) === 0;

  async function underBounds<T>(look: () => Promise<T>): Promise<T> {
    underWay += 1;
    try {
      return await look();
    } finally {
      underWay -= 1;
    }
  }

  async function lookUpCoupon(campaignId: string, claimKey: string, name: string) {
    const look = Symbol("look-up");
    try {
      const askedAtMs = clock.elapsed();
      const erasuresBefore = erasures;
      asking.set(name, look);
      const issuance = await reads.ask(() => findHeld(issuances, marks, campaignId, claimKey));
      if (issuance === null) {
        if (asking.get(name) === look) noneUntilMs.keep(name, askedAtMs + NONE_FOR_MS);
        return undefined;
      }
      const coupon = claimOf(issuance);
      if (erasures === erasuresBefore) found.keep(name, coupon);
      return coupon;
    } catch {
      // A store that does not answer: its breaker logs that.
      return undefined;
    } finally {
      if (asking.get(name) === look) asking.delete(name);
    }
  }

  return {
    find(campaignId, claimKey, subject) {
      const answer = claimer.remembered(campaignId, claimKey);
      if (answer !== undefined) return answer.kind === "issued" ? answer.coupon : undefined;
      const name = `${campaignId} ${claimKey}`;
      const coupon = found.get(name);
      if (coupon !== undefined) return coupon;
      if ((noneUntilMs.get(name) ?? 0) > clock.elapsed()) return undefined;
      if (!mayLookUp(subject)) return undefined;
      return underBounds(() => lookUpCoupon(campaignId, claimKey, name));
    },
    async lookUp(subject, look) {
      if (!mayLookUp(subject)) throw new QueueFull(`too many look-ups for callers over a limit: ${subject}`);
      return underBounds(look);
    },
    note(coupon, isRepeated) {
      const name = `${coupon.campaignId} ${coupon.claimKey}`;
      noneUntilMs.delete(name);
      if (asking.size > 0) asking.delete(name);
      if (isRepeated) repeated.keep(name, { coupon, untilMs: clock.elapsed() + REPEATED_FOR_MS });
    },
    repeated(campaignId, claimKey) {
      const entry = repeated.get(`${campaignId} ${claimKey}`);
      return entry !== undefined && clock.elapsed() < entry.untilMs ? entry.coupon : undefined;
    },
  };
}
