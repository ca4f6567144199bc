import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, makeChange } from "../change.ts";
import type { Action } from "../command.ts";

export const action: Action = {
  async run(session, input) {
    const request = commonRequest(session, input);
    await makeChange(session, input, {
      method: CampaignService.method.resumeCampaign,
      request,
      send: (sent, options) => session.campaigns.resumeCampaign(sent, options),
      done: "resumed",
    });
  },
};
