import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, finalChangeOptions, makeChange, unissued } from "../change.ts";
import type { Command } from "../command.ts";
import { grouped } from "../render.ts";

export const end: Command = {
  name: "end",
  summary: "end a campaign that has opened, now and for good",
  takesCampaign: true,
  options: finalChangeOptions,
  examples: ["coupon end 01JEXAMPLE", "coupon end 01JEXAMPLE --yes --json"],
  notes: "Who has a coupon still gets it. One that has not opened yet is cancelled instead: coupon cancel.",

  async run(session, input) {
    const request = commonRequest(session, input);
    await makeChange(session, input, {
      method: CampaignService.method.endCampaign,
      request,
      send: (sent, options) => session.campaigns.endCampaign(sent, options),
      done: "ended",
      question: (campaign) => ({
        what: `end ${campaign.id} (${campaign.name}) now: ${grouped(unissued(campaign))} of ${grouped(campaign.total)} coupons are not issued and never will be`,
      }),
    });
  },
};
