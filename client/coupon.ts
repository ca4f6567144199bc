import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Coupon as Issued } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { Coupon } from "./outcome.ts";

/** Undefined: no whole coupon of this campaign, which an answer of the service always holds. */
export function couponOf(issued: Issued | undefined, campaignId: string): Coupon | undefined {
  if (issued?.issuedAt === undefined || issued.code === "" || !isSameCampaign(issued.campaignId, campaignId))
    return undefined;
  const { code, seq, issuedAt } = issued;
  return { code, campaignId: issued.campaignId, seq, issuedAt: timestampDate(issuedAt) };
}

/** The service accepts campaign ids in any case. */
function isSameCampaign(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase();
}
