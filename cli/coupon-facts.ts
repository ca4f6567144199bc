import type { Coupon } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { grouped } from "../runtime/counting.ts";
import { epochMsOf, instantText, printable } from "./render.ts";

/** One fact a line about an issued coupon. */
export function couponFacts(coupon: Coupon, zone: string): [label: string, value: string][] {
  const issuedMs = epochMsOf(coupon.issuedAt);
  return [
    ["campaign", printable(coupon.campaignId)],
    ...(coupon.rank === 0 ? [] : [["rank", grouped(coupon.rank)] satisfies [string, string]]),
    ["seq", grouped(coupon.seq)],
    ["issued", issuedMs === undefined ? "unknown" : instantText(issuedMs, zone)],
  ];
}
