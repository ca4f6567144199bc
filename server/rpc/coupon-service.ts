import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { validCampaignId, validKey, withoutField } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { CampaignCache } from "../../claims/campaign-cache.ts";
import type { IssueCoupon } from "../../claims/issue-coupon.ts";
import { mistypedBecause, normaliseCode } from "../../codes/normalise-code.ts";
import type { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import type { GetCampaignStatus } from "./campaign-status.ts";
import { recordedFormats, viewIssued } from "./find-issuance.ts";
import { createRefuse } from "./refuse.ts";
import { remoteCallerOf } from "./remote-caller.ts";

export type CouponServiceDeps = {
  issueCoupon: IssueCoupon;
  campaignCache: CampaignCache;
  issuances: Issuances;
  campaignStatus: GetCampaignStatus;
  reads: Breaker;
  clock: Clock;
};

/** The public service. Each method validates, calls one component, and makes the response of its result. */
export function createCouponService(deps: CouponServiceDeps): ServiceImpl<typeof CouponService> {
  const { issueCoupon, campaignCache, issuances, campaignStatus, reads, clock } = deps;
  const { refuse, orRefuse } = createRefuse(clock);

  return {
    async issueCoupon(request, context: HandlerContext) {
      const issue = await issueCoupon(request, remoteCallerOf(context));
      if (issue.kind === "refused") throw refuse(issue.refusal);
      return { coupon: viewCoupon(issue.coupon), replayed: issue.replayed };
    },

    async findCoupon(request) {
      const campaignId = orRefuse(validCampaignId(request.campaignId));
      const given = (["userId", "requestId", "code"] as const).filter((field) => request[field] !== "");
      if (given.length !== 1) {
        throw refuse({
          reason: "INVALID",
          field: "user_id, request_id, code",
          allowed: "give exactly one of them",
        });
      }
      const facts = await campaignCache.find(campaignId);
      if (facts === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
      if (request.code !== "") {
        const code = normaliseCode(request.code);
        if (!code.ok)
          throw refuse({ reason: "INVALID", field: "code", allowed: withoutField("code", code.message) });
        const mistyped = mistypedBecause(code.code, recordedFormats([facts.codeFormat]));
        if (mistyped !== undefined) throw refuse({ reason: "INVALID", field: "code", allowed: mistyped });
        const found = await reads.ask(() => issuances.findByCode(campaignId, code.code));
        if (found === null) throw refuse({ reason: "NO_COUPON" });
        return { coupon: viewIssued(found) };
      }
      const field = facts.onePerUser ? "user_id" : "request_id";
      const key = facts.onePerUser ? request.userId : request.requestId;
      if (key === "") {
        const other = facts.onePerUser ? "one coupon per user" : "coupons by request, not by user";
        throw refuse({
          reason: "INVALID",
          field,
          allowed: `is the key to look up here: the campaign gives ${other}`,
        });
      }
      const claimKey = orRefuse(validKey(field, key));
      const found = await reads.ask(() => issuances.findByClaimKey(campaignId, claimKey));
      if (found === null) throw refuse({ reason: "NO_COUPON" });
      return { coupon: viewIssued(found) };
    },

    async getCampaignStatus(request) {
      const given = await campaignStatus(request.campaignId);
      if (given.kind === "refused") throw refuse(given.refusal);
      return given.status;
    },
  };
}
