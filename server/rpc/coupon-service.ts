import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type CountLookUp, rateLimited } from "../../access/limits.ts";
import type { IssueCoupon } from "../../claims/issue-coupon.ts";
import type { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import type { GetCampaignStatus } from "./campaign-status.ts";
import type { FindCoupon } from "./find-coupon.ts";
import type { AddReceipt } from "./receipts.ts";
import { createRefuse } from "./refuse.ts";
import { remoteCallerOf } from "./remote-caller.ts";
import {
  CACHE_CONTROL,
  cacheControlOf,
  cacheControlOfRefusal,
  ETAG,
  etagOf,
  NOT_KEPT,
} from "./status-caching.ts";

export type CouponServiceDeps = {
  issueCoupon: IssueCoupon;
  findCoupon: FindCoupon;
  campaignStatus: GetCampaignStatus;
  /** undefined: no receipts are signed. */
  addReceipt?: AddReceipt | undefined;
  /** How often an address may ask for a status; undefined: not limited. */
  countLookUp?: CountLookUp | undefined;
  clock: Clock;
};

/** The methods of the public service that are not those of proofs: proof-service.ts has these. */
export type ClaimMethods = Pick<
  ServiceImpl<typeof CouponService>,
  "issueCoupon" | "findCoupon" | "getCampaignStatus"
>;

/** The public service. Each method validates, calls one component, and makes the response of its result. */
export function createCouponService(deps: CouponServiceDeps): ClaimMethods {
  const { issueCoupon, findCoupon, campaignStatus, addReceipt, countLookUp, clock } = deps;
  const { refuse } = createRefuse(clock);

  return {
    async issueCoupon(request, context: HandlerContext) {
      const caller = remoteCallerOf(context);
      const issue = await issueCoupon(request, caller);
      if (issue.kind === "refused") {
        const error = refuse(issue.refusal);
        throw request.receipt && addReceipt !== undefined
          ? addReceipt(error, issue.refusal, request, caller.address)
          : error;
      }
      return { coupon: viewCoupon(issue.coupon), replayed: issue.replayed };
    },

    async findCoupon(request, context: HandlerContext) {
      const find = await findCoupon(request, remoteCallerOf(context));
      if (find.kind === "refused") throw refuse(find.refusal);
      return { coupon: viewCoupon(find.coupon) };
    },

    async getCampaignStatus(request, context: HandlerContext) {
      const tellCache = (cacheControl: string) => {
        if (context.requestMethod === "GET") context.responseHeader.set(CACHE_CONTROL, cacheControl);
      };
      tellCache(NOT_KEPT);
      const over = countLookUp?.(remoteCallerOf(context).address);
      if (over !== undefined) throw refuse(rateLimited(over));
      const given = await campaignStatus(request.campaignId);
      if (given.kind === "refused") {
        tellCache(cacheControlOfRefusal(given.refusal));
        throw refuse(given.refusal);
      }
      tellCache(cacheControlOf(given.status));
      if (context.requestMethod === "GET") context.responseHeader.set(ETAG, etagOf(given.status));
      return given.status;
    },
  };
}
