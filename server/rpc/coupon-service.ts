import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { IssueCoupon } from "../../claims/issue-coupon.ts";
import type { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import type { GetCampaignStatus } from "./campaign-status.ts";
import { createFindCoupon, type FindCouponDeps } from "./find-coupon.ts";
import { createRefuse } from "./refuse.ts";
import { remoteCallerOf } from "./remote-caller.ts";

export type CouponServiceDeps = FindCouponDeps & {
  issueCoupon: IssueCoupon;
  campaignStatus: GetCampaignStatus;
  clock: Clock;
};

/** The public service. Each method validates, calls one component, and makes the response of its result. */
export function createCouponService(deps: CouponServiceDeps): ServiceImpl<typeof CouponService> {
  const { issueCoupon, campaignStatus, clock } = deps;
  const { refuse } = createRefuse(clock);

  return {
    async issueCoupon(request, context: HandlerContext) {
      const issue = await issueCoupon(request, remoteCallerOf(context));
      if (issue.kind === "refused") throw refuse(issue.refusal);
      return { coupon: viewCoupon(issue.coupon), replayed: issue.replayed };
    },

    findCoupon: createFindCoupon(deps),

    async getCampaignStatus(request) {
      const given = await campaignStatus(request.campaignId);
      if (given.kind === "refused") throw refuse(given.refusal);
      return given.status;
    },
  };
}
