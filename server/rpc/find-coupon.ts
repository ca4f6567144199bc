import type { Admitted } from "../../access/authorize.ts";
import type { ClaimAuth } from "../../access/claim-auth.ts";
import { stricter } from "../../access/claim-auth-mode.ts";
import { type CountLookUp, rateLimited } from "../../access/limits.ts";
import { claimKeysOf } from "../../campaign/claim-key.ts";
import { claimOf } from "../../campaign/claim-record.ts";
import { MissingErasureKey } from "../../campaign/erasure/pseudonyms.ts";
import { NO_ERASURE_KEY, type Refusal } from "../../campaign/refusal.ts";
import { type Valid, valid, validCampaignId, validKey, withoutField } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { CampaignCache, KnownCampaign } from "../../claims/campaign-cache.ts";
import type { ErasureMarks } from "../../claims/erasure-marks.ts";
import { findHeld } from "../../claims/find-held.ts";
import type { RemoteCaller } from "../../claims/issue.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import type { Recall } from "../../claims/recall.ts";
import type { RefusedCredentials } from "../../claims/refused-credentials.ts";
import { mistypedBecause, normaliseCode } from "../../codes/normalise-code.ts";
import type { Claim } from "../../pool/answers.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import { isPseudonym } from "../../record/pseudonym.ts";
import { demandIssuance, recordedFormats } from "./find-issuance.ts";
import { claimKeyIn, type FindRequest, hasTooMany } from "./find-keys.ts";
import { CROWDED } from "./refuse-turn.ts";

export type Find =
  | { readonly kind: "found"; readonly coupon: Claim }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export type FindCaller = RemoteCaller & {
  /**
   * Resolves when the look-up may begin, and never where its caller has left by then; undefined: too many
   * wait. Absent: the call has had its turn.
   */
  readonly turn?: () => Promise<void> | undefined;
};

/**
 * Returns at once, without a promise, where no store must be asked. Rejects where MongoDB could not be asked,
 * and for a bug.
 */
export type FindCoupon = (request: FindRequest, caller: FindCaller) => Find | Promise<Find>;

export type FindCouponDeps = {
  campaignCache: CampaignCache;
  issuances: Pick<Issuances, "findByCode" | "findByClaimKey" | "findByClaimKeys">;
  recall: Pick<Recall, "note" | "repeated">;
  marks: Pick<ErasureMarks, "demanded">;
  claimAuth: ClaimAuth;
  /** undefined: look-ups are not limited. */
  countLookUp?: CountLookUp | undefined;
  reads: Breaker;
  refusedCredentials: Pick<RefusedCredentials, "note">;
};

const ONE_KEY = {
  reason: "INVALID",
  field: "user_id, request_id, code",
  allowed: "give exactly one of them",
} as const satisfies Refusal;

const ONE_KEY_REFUSED = { ok: false, refusal: ONE_KEY } as const;

/**
 * What a look-up asks of MongoDB. Nothing is kept of those that find none: a winner finds its coupon the
 * moment that it is issued.
 */
const SLOTS = { what: "look-ups of coupons", atOnceMax: 8, waitingMax: 1_000 } as const;

/**
 * Finds the coupon of a user, of a request, or of a code, for the framework and the fast path. A user who is
 * proven finds its own coupons only, and is told of another's what it is told of one that there is not.
 */
export function createFindCoupon(deps: FindCouponDeps): FindCoupon {
  const { campaignCache, issuances, recall, marks, claimAuth, countLookUp, reads, refusedCredentials } = deps;
  const slots = createLookUpSlots(SLOTS);

  async function findByCode(
    campaignId: string,
    facts: KnownCampaign,
    text: string,
  ): Promise<Valid<IssuanceDoc | null>> {
    const code = normaliseCode(text);
    if (!code.ok) return invalidCode(withoutField("code", code.message));
    const mistyped = mistypedBecause(code.code, recordedFormats([facts.codeFormat]));
    if (mistyped !== undefined) return invalidCode(mistyped);
    return valid(await reads.ask(() => issuances.findByCode(campaignId, code.code)));
  }

  async function findByKey(campaignId: string, key: Valid<string>): Promise<Valid<IssuanceDoc | null>> {
    return key.ok ? valid(await reads.ask(() => findHeld(issuances, marks, campaignId, key.value))) : key;
  }

  /** The user's latest coupon, where the campaign gives each user several. */
  async function findLatest(
    campaignId: string,
    { maxPerUser }: KnownCampaign,
    { userId }: Admitted,
  ): Promise<Valid<IssuanceDoc | null>> {
    const user = validKey("user_id", userId);
    if (!user.ok) return user;
    const erased = marks.demanded(campaignId)?.of(campaignId, user.value);
    const found: IssuanceDoc[] = [];
    for (const id of erased === undefined ? [user.value] : [user.value, erased])
      found.push(
        ...(await reads.ask(() => issuances.findByClaimKeys(campaignId, claimKeysOf(id), maxPerUser))),
      );
    const [latest = null] = found.toSorted((a, b) => b.generation - a.generation || b.seq - a.seq);
    return valid(latest);
  }

  /** The caller is admitted before a store is asked. */
  function beginLookUp(early: Valid<Admitted>, request: FindRequest, caller: FindCaller) {
    if (!early.ok) return refused(early.refusal);
    const campaignId = validCampaignId(request.campaignId);
    if (!campaignId.ok) return refused(campaignId.refusal);
    const { userId, requestId, code } = request;
    // Whether user and request id may be given together, the campaign decides.
    if (code !== "" && (userId !== "" || requestId !== "")) return refused(ONE_KEY);
    const coupon = code === "" ? fromMemory(campaignId.value, early.value, request) : undefined;
    if (coupon !== undefined) return found(coupon);
    return lookUpInTurn(campaignId.value, early.value, request, caller);
  }

  /** The coupon that its user has just asked for; a store is asked in any other case. */
  function fromMemory(campaignId: string, admitted: Admitted, request: FindRequest): Claim | undefined {
    const facts = campaignCache.peek(campaignId);
    if (facts === undefined || stricter(claimAuth.mode, facts.claimAuth) !== claimAuth.mode) return undefined;
    const key = hasTooMany(request, facts) ? ONE_KEY_REFUSED : claimKeyIn(request, facts, admitted);
    const coupon = key.ok ? recall.repeated(campaignId, key.value) : undefined;
    return coupon !== undefined && isFor(admitted, coupon, facts) ? coupon : undefined;
  }

  async function lookUpInTurn(
    campaignId: string,
    early: Admitted,
    request: FindRequest,
    caller: FindCaller,
  ): Promise<Find> {
    if (caller.turn !== undefined) {
      const turn = caller.turn();
      if (turn === undefined) return refused(CROWDED);
      await turn;
    }
    return slots
      .run(
        () => lookUp(campaignId, early, request, caller),
        () => caller.aborted,
      )
      .catch((error: unknown) => {
        if (error instanceof MissingErasureKey) return refused(NO_ERASURE_KEY);
        throw error;
      });
  }

  async function lookUp(
    campaignId: string,
    early: Admitted,
    request: FindRequest,
    { authorization }: FindCaller,
  ): Promise<Find> {
    const facts = await campaignCache.find(campaignId);
    if (facts === null) return refused({ reason: "UNKNOWN_CAMPAIGN" });
    const demanded = stricter(claimAuth.mode, facts.claimAuth);
    const again =
      demanded === claimAuth.mode ? valid(early) : await claimAuth.admit(demanded, authorization, request);
    if (!again.ok) return refused(again.refusal);
    const admitted = again.value;
    // A token names its user already.
    const hasKey = request.userId !== "" || request.requestId !== "" || request.code !== "";
    if ((!hasKey && !admitted.isProven) || hasTooMany(request, facts)) return refused(ONE_KEY);
    const byUser = facts.maxPerUser > 1 && request.requestId === "";
    const looked =
      request.code !== ""
        ? await findByCode(campaignId, facts, request.code)
        : byUser
          ? await findLatest(campaignId, facts, admitted)
          : await findByKey(campaignId, claimKeyIn(request, facts, admitted));
    if (!looked.ok) return refused(looked.refusal);
    const issuance = looked.value;
    if (issuance === null) return refused({ reason: "NO_COUPON" });
    const own = isPseudonym(issuance.claimKey)
      ? { ...admitted, userId: marks.demanded(campaignId)?.of(campaignId, admitted.userId) ?? "" }
      : admitted;
    if (!isFor(own, issuance, facts)) return refused({ reason: "NO_COUPON" });
    const coupon = claimOf(demandIssuance(issuance));
    // A user's latest coupon does not stay the latest.
    if (!byUser) recall.note(coupon, true);
    return found(coupon);
  }

  function find(request: FindRequest, caller: FindCaller): Find | Promise<Find> {
    const over = countLookUp?.(caller.address);
    if (over !== undefined) return refused(rateLimited(over));
    const early = claimAuth.admit(claimAuth.mode, caller.authorization, request);
    return early instanceof Promise
      ? early.then((known) => beginLookUp(known, request, caller))
      : beginLookUp(early, request, caller);
  }

  function noted(answer: Find, { address }: FindCaller): Find {
    if (answer.kind === "refused") refusedCredentials.note(answer.refusal, address);
    return answer;
  }

  return (request, caller) => {
    const answer = find(request, caller);
    return answer instanceof Promise ? answer.then((told) => noted(told, caller)) : noted(answer, caller);
  };
}

function found(coupon: Claim): Find {
  return { kind: "found", coupon };
}

function refused(refusal: Refusal): Find {
  return { kind: "refused", refusal };
}

function invalidCode(allowed: string): Valid<never> {
  return { ok: false, refusal: { reason: "INVALID", field: "code", allowed } };
}

/** Whether the caller may see it: a user who is proven sees its own coupons only. */
function isFor(
  { isProven, userId }: Admitted,
  coupon: Pick<IssuanceDoc, "claimKey" | "userId">,
  { onePerUser }: KnownCampaign,
): boolean {
  return !isProven || userId === (onePerUser ? coupon.claimKey : coupon.userId);
}
