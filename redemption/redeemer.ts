import type { Pseudonyms } from "../campaign/erasure/pseudonyms.ts";
import { NO_ERASURE_KEY, type Refusal } from "../campaign/refusal.ts";
import { spellingsOf } from "../campaign/user-spellings.ts";
import { isRehearsalId } from "../record/campaign-id.ts";
import type { CampaignDoc, IssuanceDoc } from "../record/documents.ts";
import { isPseudonym } from "../record/pseudonym.ts";
import type { RedemptionDoc, UseDoc } from "../record/redemption-documents.ts";
import type { Redemptions, SeenCoupon } from "../record/redemptions.ts";
import { isRepeatable } from "../record/retryable-insert.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { type Ask, type Facts, judge, obstacleOf } from "./judge.ts";
import { type Validity, validityOf } from "./validity.ts";

/** Which coupon is meant. */
export type CouponAsked = {
  /** In the form in which codes are recorded. */
  readonly code: string;
  /** undefined: a code of any campaign. */
  readonly campaignId: string | undefined;
  /** Who wants to redeem it; undefined: whoever does, also where coupons are bound to their users. */
  readonly user: { readonly id: string } | undefined;
};

/** `use`: the redemption asked about; undefined: the code was. */
export type Outcome =
  | {
      readonly kind: "done";
      readonly use: UseDoc | undefined;
      readonly redemption: RedemptionDoc;
      readonly validity: Validity;
      readonly max: number;
      /** It was so already, and nothing was written. */
      readonly replayed: boolean;
      readonly nowMs: number;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** `expected`: the revision that was read; undefined: there is no document yet. */
type Read = Facts & { readonly expected: number | undefined };

export type Redeemer = ReturnType<typeof createRedeemer>;

export type RedeemerDeps = {
  readonly redemptions: Redemptions;
  /** Asks MongoDB for something without effect. */
  readonly read: <T>(call: () => Promise<T>) => Promise<T>;
  /** @throws where durable writes get no answer at the moment: nothing was tried */
  readonly admitWrite: () => void;
  /** Of this process' erasure key; undefined: it has none, and refuses erased users of bound coupons. */
  readonly pseudonyms?: Pseudonyms | undefined;
  readonly clock: Clock;
  /** How long a change may take, in ms. */
  readonly deadlineMs: number;
  /** Called when a decision is made again: another change came first, or MongoDB has another primary. */
  readonly onRepeat?: () => void;
};

/** Before a decision is made again; each later pause is twice as long, up to the longest one. */
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 128;

const NO_COUPON = { reason: "NO_COUPON" } as const satisfies Refusal;
const CONTENDED = {
  kind: "refused",
  refusal: { reason: "OVERLOADED", why: "other calls are changing the redemptions of this code" },
} as const satisfies Outcome;

/**
 * Decides on what a majority of MongoDB has, and writes on the condition that nothing has changed since: of
 * calls that race, one writes, and the others decide again. A call whose write has no outcome is repeated, as
 * the key tells whether it was made; and answered with the error of that write, never with a refusal, where
 * it cannot be found out in time.
 */
export function createRedeemer(deps: RedeemerDeps) {
  const { redemptions, read, admitWrite, pseudonyms, clock, deadlineMs, onRepeat } = deps;

  /** NO_COUPON: no such coupon for this user, or a rehearsal's, or that of another campaign. */
  async function factsOf({ code, campaignId, user }: CouponAsked): Promise<Read | Refusal> {
    const seen = await read(() => redemptions.look(code));
    if (seen === null || isRehearsalId(seen.campaign._id)) return NO_COUPON;
    if (campaignId !== undefined && campaignId !== seen.campaign._id) return NO_COUPON;
    const rules = seen.campaign.redemption ?? {};
    if (rules.boundToUser && user !== undefined) {
      if (user.id !== "" && isUnknowable(seen, pseudonyms)) return NO_ERASURE_KEY;
      if (!isHolder(seen.campaign, seen.issuance, user.id, pseudonyms)) return NO_COUPON;
    }
    return {
      redemption: seen.redemption ?? newRedemption(seen),
      validity: validityOf(rules, seen.issuance),
      max: rules.max ?? 1,
      nowMs: seen.now.getTime(),
      expected: seen.redemption?.revision,
    };
  }

  const done = (facts: Facts, use: UseDoc | undefined, redemption: RedemptionDoc, replayed: boolean) => ({
    ...{ kind: "done" as const, use, redemption, replayed },
    ...{ validity: facts.validity, max: facts.max, nowMs: facts.nowMs },
  });

  /** One decision, and its write. undefined: another change came first. */
  async function once(
    coupon: CouponAsked,
    ask: Ask,
    isDryRun: boolean,
    leftMs: () => number,
  ): Promise<Outcome | undefined> {
    const facts = await factsOf(coupon);
    if ("reason" in facts) return { kind: "refused", refusal: facts };
    const decision = judge(ask, facts);
    if (decision.kind === "refused") return decision;
    if (decision.kind === "already") return done(facts, decision.use, facts.redemption, true);
    const { next, use, beforeMs } = decision;
    if (isDryRun) return done(facts, use, next, false);
    admitWrite();
    const before = Number.isFinite(beforeMs) ? new Date(beforeMs) : undefined;
    const written = await withDeadline(
      redemptions.write(next, facts.expected, before).catch((error: unknown) => {
        throw new Unwritten(error);
      }),
      Math.max(1, leftMs()),
      "writing a redemption",
      clock,
    ).catch((error: unknown) => {
      throw error instanceof Unwritten ? error : new Unwritten(error);
    });
    return written ? done(facts, use, next, false) : undefined;
  }

  return {
    /**
     * Carries out what is asked of a code; with `isDryRun`, answers with what would be written.
     * @throws the error of a store; the outcome is uncertain unless nothing was written yet
     */
    async change(coupon: CouponAsked, ask: Ask, isDryRun = false): Promise<Outcome> {
      const startedAtMs = clock.elapsed();
      const leftMs = () => deadlineMs - (clock.elapsed() - startedAtMs);
      /** Of a write that may have been made. */
      let unknown: Unwritten | undefined;
      let pauseMs = FIRST_PAUSE_MS;
      for (;;) {
        try {
          const outcome = await once(coupon, ask, isDryRun, leftMs);
          // A refusal may be made of what is not the outcome of our own write yet.
          if (outcome?.kind === "refused" && unknown !== undefined) throw unknown.cause;
          if (outcome !== undefined) return outcome;
        } catch (error) {
          if (!(error instanceof Unwritten)) throw unknown?.cause ?? error;
          unknown = error;
          if (!isRepeatable(error.cause)) throw error.cause;
        }
        if (leftMs() <= pauseMs) {
          if (unknown !== undefined) throw unknown.cause;
          return CONTENDED;
        }
        // Of many callers, not all at once again.
        await sleep(clock, pauseMs * (0.5 + Math.random() / 2));
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
        onRepeat?.();
      }
    },

    /** Why the code cannot be reserved now with a new key; undefined: it can. */
    async validate(coupon: CouponAsked): Promise<Refusal | undefined> {
      const facts = await factsOf(coupon);
      return "reason" in facts ? facts : obstacleOf(facts);
    },

    /** What is recorded of a code; null: there is no such coupon. */
    async recorded(code: string): Promise<Facts | null> {
      const facts = await factsOf({ code, campaignId: undefined, user: undefined });
      return "reason" in facts ? null : facts;
    },
  };
}

/** A write whose outcome is not known. */
class Unwritten extends Error {
  override readonly name = "Unwritten";
  override readonly cause: unknown;

  constructor(cause: unknown) {
    super("a redemption may have been written or not");
    this.cause = cause;
  }
}

function newRedemption({ issuance: { _id, campaignId } }: SeenCoupon): RedemptionDoc {
  return { _id, campaignId, revision: 0, uses: [], voided: false, voidChanges: [] };
}

const holderOf = (
  { onePerUser }: Pick<CampaignDoc, "onePerUser">,
  { claimKey, userId }: Pick<IssuanceDoc, "claimKey" | "userId">,
) => (onePerUser ? (userId ?? claimKey) : userId);

/** Whether its user was erased under another key: this process cannot tell whose the coupon is. */
function isUnknowable({ campaign, issuance }: SeenCoupon, pseudonyms: Pseudonyms | undefined): boolean {
  const holder = holderOf(campaign, issuance);
  if (holder === undefined || !isPseudonym(holder)) return false;
  return campaign.erasure?.key !== pseudonyms?.fingerprint || pseudonyms === undefined;
}

/** Whether the coupon is this user's, by what its claim proved; also where the user was erased since. */
export function isHolder(
  campaign: Pick<CampaignDoc, "_id" | "onePerUser">,
  issuance: Pick<IssuanceDoc, "claimKey" | "userId">,
  user: string,
  pseudonyms?: Pick<Pseudonyms, "of">,
): boolean {
  const holder = holderOf(campaign, issuance);
  const spellings = spellingsOf(user);
  if (holder === undefined || !isPseudonym(holder)) return spellings.some((spelling) => spelling === holder);
  return spellings.some((spelling) => pseudonyms?.of(campaign._id, spelling) === holder);
}
