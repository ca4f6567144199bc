import type { GetCampaignStatsResponse } from "../proto/gen/coupon/v1/stats_pb.ts";
import { epochMsOf } from "./render.ts";

/** The times after the start, in ms; undefined: the event has not happened. */
export function lateness(answer: GetCampaignStatsResponse) {
  const { campaign } = answer;
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  const startsAtMs = epochMsOf(campaign.startsAt) ?? 0;
  const since = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs - startsAtMs);
  return {
    startsAtMs,
    openingLateMs: since(epochMsOf(campaign.openedAt)),
    firstCouponLateMs: since(epochMsOf(answer.firstIssuedAt)),
    soldOutAfterMs: campaign.issued >= campaign.total ? since(epochMsOf(answer.lastIssuedAt)) : undefined,
  };
}
