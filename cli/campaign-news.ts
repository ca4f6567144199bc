import type { WatchCampaignResponse } from "../proto/gen/coupon/v1/campaign_service_pb.ts";

/**
 * For a stream that follows a campaign: true for a message that tells something new. The first message of an
 * opening says how things stand; where they stand as before, a stream that breaks after it has told nothing.
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
