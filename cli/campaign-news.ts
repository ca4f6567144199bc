import type { WatchCampaignResponse } from "../proto/gen/coupon/v1/campaign_service_pb.ts";

/**
 * For a stream that follows a campaign: true for a message that contains something new. The first message
 * after each opening contains the present state; where that is the same as before, the opening brought no
 * progress.
 */
export function newsOfCampaign(): (message: WatchCampaignResponse, place: number) => boolean {
  let last = "";
  return ({ campaign }, place) => {
    const { state, generated, issued, total } = campaign ?? {};
    const stands = `${state} ${generated} ${issued} ${total}`;
    const isNews = place > 0 || stands !== last;
    last = stands;
    return isNews;
  };
}
