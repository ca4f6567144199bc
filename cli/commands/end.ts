import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped, isOrAre } from "../../runtime/counting.ts";
import { commonRequest, makeChange, unissued } from "../change.ts";
import type { Action } from "../command.ts";

export const action: Action = {
  async run(session, input) {
    const request = commonRequest(session, input);
    await makeChange(session, input, {
      method: CampaignService.method.endCampaign,
      request,
      send: (sent, options) => session.campaigns.endCampaign(sent, options),
      done: "ended",
      question: (campaign) => ({
        what: `end ${campaign.id} (${campaign.name}) now: ${grouped(unissued(campaign))} of ${counted(campaign.total, "coupon")} ${isOrAre(unissued(campaign))} not issued and never will be`,
      }),
    });
  },
};
