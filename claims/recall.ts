import type { Rate } from "../access/token-buckets.ts";
import { createTokenBuckets } from "../access/token-buckets.ts";
import { claimOf } from "../campaign/claim-record.ts";
import type { Claim } from "../pool/answers.ts";
import type { Issuances } from "../record/issuances.ts";
import type { Clock } from "../runtime/clock.ts";
import { createRecentEntries } from "../runtime/recent-entries.ts";
import type { Breaker } from "./breaker.ts";
import type { Claimer } from "./claimer.ts";

/**
 * The coupon that a claim key has, for a request that may not claim: no limit keeps a winner's coupon back.
 */
export type Recall = {
  /**
   * undefined: there is none, or it cannot be told now; the coupon is kept, and a later request gets it.
   * `subject`: who asks; look-ups are counted by it. Never rejects.
   */
  find(campaignId: string, claimKey: string, subject: string): Claim | undefined | Promise<Claim | undefined>;
  /** A claim has got its coupon: what was looked up before no longer holds. */
  note(coupon: Claim): void;
};

export type RecallDeps = {
  claimer: Pick<Claimer, "remembered">;
  issuances: Pick<Issuances, "findByClaimKey">;
  reads: Breaker;
  clock: Clock;
};

/** Look-ups in MongoDB under way at once in a process. */
export const RECALLS_MAX = 16;
/** Look-ups of one subject, such as an address that many users share. */
const LOOK_UPS: Rate = { count: 20, seconds: 2 };
const HALF_MAX = 10_000;
/**
 * For how long "no coupon" is kept: another server may issue one meanwhile, which is then found later by
 * this.
 */
const NONE_FOR_MS = 500;

/**
 * First from memory, then by one look-up in MongoDB. Look-ups are few, so that requests over a limit cost
 * less than claims and not more.
 */
export function createRecall({ claimer, issuances, reads, clock }: RecallDeps): Recall {
  const found = createRecentEntries<Claim>(HALF_MAX);
  const noneUntilMs = createRecentEntries<number>(HALF_MAX);
  const perSubject = createTokenBuckets(LOOK_UPS, clock);
  let underWay = 0;

  async function lookUp(campaignId: string, claimKey: string, name: string): Promise<Claim | undefined> {
    underWay += 1;
    try {
      const askedAtMs = clock.elapsed();
      const issuance = await reads.ask(() => issuances.findByClaimKey(campaignId, claimKey));
      if (issuance === null) {
        noneUntilMs.keep(name, askedAtMs + NONE_FOR_MS);
        return undefined;
      }
      const coupon = claimOf(issuance);
      found.keep(name, coupon);
      return coupon;
    } catch {
      // A store that does not answer: its breaker logs that.
      return undefined;
    } finally {
      underWay -= 1;
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
      if (underWay >= RECALLS_MAX || perSubject.take(subject) > 0) return undefined;
      return lookUp(campaignId, claimKey, name);
    },
    note: ({ campaignId, claimKey }) => noneUntilMs.delete(`${campaignId} ${claimKey}`),
  };
}
