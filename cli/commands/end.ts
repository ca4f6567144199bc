import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, makeChange, unissued } from "../change.ts";
import type { Action } from "../command.ts";
import { grouped } from "../render.ts";

export const action: Action = {
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
