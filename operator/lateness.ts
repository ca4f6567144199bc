import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { GetCampaignStatsResponse } from "../proto/gen/coupon/v1/stats_pb.ts";

/** The times after the start, in ms; undefined: the event has not happened. */
export function lateness(answer: GetCampaignStatsResponse) {
  const { campaign } = answer;
  if (campaign === undefined) throw new Error("the service answered without a campaign");
  const startsAtMs = campaign.startsAt === undefined ? 0 : timestampMs(campaign.startsAt);
  const since = (at: Timestamp | undefined) => (at === undefined ? undefined : timestampMs(at) - startsAtMs);
  return {
    startsAtMs,
    openingLateMs: since(campaign.openedAt),
    firstCouponLateMs: since(answer.firstIssuedAt),
    soldOutAfterMs: campaign.issued >= campaign.total ? since(answer.lastIssuedAt) : undefined,
  };
}
