import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type CountLookUp, rateLimited } from "../../access/limits.ts";
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
  /** undefined: look-ups are not limited. */
  countLookUp?: CountLookUp | undefined;
  clock: Clock;
};

/** The public service. Each method validates, calls one component, and makes the response of its result. */
export function createCouponService(deps: CouponServiceDeps): ServiceImpl<typeof CouponService> {
  const { issueCoupon, campaignStatus, countLookUp, clock } = deps;
  const { refuse } = createRefuse(clock);
  const find = createFindCoupon(deps);

  function demandWithinLimit(context: HandlerContext): void {
    const over = countLookUp?.(remoteCallerOf(context).address);
    if (over !== undefined) throw refuse(rateLimited(over));
  }

  return {
    async issueCoupon(request, context: HandlerContext) {
      const issue = await issueCoupon(request, remoteCallerOf(context));
      if (issue.kind === "refused") throw refuse(issue.refusal);
      return { coupon: viewCoupon(issue.coupon), replayed: issue.replayed };
    },

    async findCoupon(request, context: HandlerContext) {
      demandWithinLimit(context);
      return find(request, context);
    },

    async getCampaignStatus(request, context: HandlerContext) {
      demandWithinLimit(context);
      const given = await campaignStatus(request.campaignId);
      if (given.kind === "refused") throw refuse(given.refusal);
      return given.status;
    },
  };
}
