import type { HandlerContext } from "@connectrpc/connect";
import type { Admitted } from "../../access/authorize.ts";
import type { ClaimAuth } from "../../access/claim-auth.ts";
import { stricter } from "../../access/claim-auth-mode.ts";
import { claimKeyOf } from "../../campaign/claim-key.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { validCampaignId, validKey, withoutField } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { CampaignCache, KnownCampaign } from "../../claims/campaign-cache.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import { mistypedBecause, normaliseCode } from "../../codes/normalise-code.ts";
import type { FindCouponRequest } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import { recordedFormats, viewIssued } from "./find-issuance.ts";
import { createRefuse } from "./refuse.ts";
import { remoteCallerOf } from "./remote-caller.ts";

export type FindCouponDeps = {
  campaignCache: CampaignCache;
  issuances: Pick<Issuances, "findByCode" | "findByClaimKey">;
  claimAuth: ClaimAuth;
  reads: Breaker;
  clock: Clock;
};

const ONE_KEY = {
  reason: "INVALID",
  field: "user_id, request_id, code",
  allowed: "give exactly one of them",
} as const satisfies Refusal;

/**
 * What a look-up asks of MongoDB. Nothing is kept of those that find none: a winner finds its coupon the
 * moment that it is issued.
 */
const SLOTS = { what: "look-ups of coupons", atOnceMax: 8, waitingMax: 1_000 } as const;

/**
 * Finds the coupon of a user, of a request, or of a code. A user who is proven finds its own coupons only,
 * and is told of another's what it is told of one that there is not.
 */
export function createFindCoupon({ campaignCache, issuances, claimAuth, reads, clock }: FindCouponDeps) {
  const { refuse, orRefuse } = createRefuse(clock);
  const slots = createLookUpSlots(SLOTS);

  async function findByCode(campaignId: string, facts: KnownCampaign, text: string) {
    const code = normaliseCode(text);
    if (!code.ok)
      throw refuse({ reason: "INVALID", field: "code", allowed: withoutField("code", code.message) });
    const mistyped = mistypedBecause(code.code, recordedFormats([facts.codeFormat]));
    if (mistyped !== undefined) throw refuse({ reason: "INVALID", field: "code", allowed: mistyped });
    return reads.ask(() => issuances.findByCode(campaignId, code.code));
  }

  const findByKey = (campaignId: string, claimKey: string) =>
    reads.ask(() => issuances.findByClaimKey(campaignId, claimKey));

  function claimKeyIn(request: FindCouponRequest, { onePerUser }: KnownCampaign, admitted: Admitted): string {
    const field = onePerUser ? "user_id" : "request_id";
    const key = onePerUser ? admitted.userId : request.requestId;
    if (key === "" || (onePerUser && request.requestId !== "")) {
      const other = onePerUser ? "one coupon per user" : "coupons by request, not by user";
      throw refuse({
        reason: "INVALID",
        field,
        allowed: `is the key to look up here: the campaign gives ${other}`,
      });
    }
    const valid = orRefuse(validKey(field, key));
    return admitted.isProven && !onePerUser ? claimKeyOf(admitted.userId, valid) : valid;
  }

  return async (request: FindCouponRequest, context: HandlerContext) => {
    const { authorization } = remoteCallerOf(context);
    // The caller is admitted before a store is asked.
    const early = orRefuse(await claimAuth.admit(claimAuth.mode, authorization, request));
    const campaignId = orRefuse(validCampaignId(request.campaignId));
    const given = [request.userId, request.requestId, request.code].filter((key) => key !== "").length;
    if (given > 1) throw refuse(ONE_KEY);
    return slots.run(
      () => look(request, campaignId, early, authorization),
      () => context.signal.aborted,
    );
  };

  async function look(
    request: FindCouponRequest,
    campaignId: string,
    early: Admitted,
    authorization: string | undefined,
  ) {
    const facts = await campaignCache.find(campaignId);
    if (facts === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
    const demanded = stricter(claimAuth.mode, facts.claimAuth);
    const admitted =
      demanded === claimAuth.mode ? early : orRefuse(await claimAuth.admit(demanded, authorization, request));
    // A token names its user already.
    const hasKey = request.userId !== "" || request.requestId !== "" || request.code !== "";
    if (!hasKey && !admitted.isProven) throw refuse(ONE_KEY);
    const found =
      request.code === ""
        ? await findByKey(campaignId, claimKeyIn(request, facts, admitted))
        : await findByCode(campaignId, facts, request.code);
    if (found === null || (admitted.isProven && holderOf(found, facts) !== admitted.userId))
      throw refuse({ reason: "NO_COUPON" });
    return { coupon: viewIssued(found) };
  }
}

function holderOf(issuance: IssuanceDoc, { onePerUser }: KnownCampaign): string | undefined {
  return onePerUser ? issuance.claimKey : issuance.userId;
}
