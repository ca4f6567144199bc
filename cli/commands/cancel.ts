import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, finalChangeOptions, makeChange, unissued } from "../change.ts";
import type { Command } from "../command.ts";
import { grouped } from "../render.ts";

export const cancel: Command = {
  name: "cancel",
  summary: "call a campaign off, for good: unissued codes are retired",
  takesCampaign: true,
  options: finalChangeOptions,
  examples: ["coupon cancel 01JEXAMPLE", "coupon cancel 01JEXAMPLE --yes"],
  notes: "What was issued stays with its holders, and they still get it when they ask again.",

  async run(session, input) {
    const request = commonRequest(session, input);
    await makeChange(session, input, {
      method: CampaignService.method.cancelCampaign,
      request,
      send: (sent, options) => session.campaigns.cancelCampaign(sent, options),
      done: "cancelled",
      question: (campaign) => ({
        what: `cancel ${campaign.id} (${campaign.name}): its ${grouped(unissued(campaign))} unissued coupons are retired for ever, ${grouped(campaign.issued)} stay with their holders`,
        typed: campaign.id,
      }),
    });
  },
};
