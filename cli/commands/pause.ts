import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { changeOptions, commonRequest, makeChange } from "../change.ts";
import type { Command } from "../command.ts";

export const pause: Command = {
  name: "pause",
  summary: "hold a campaign: nothing new is issued until coupon resume",
  takesCampaign: true,
  options: changeOptions,
  examples: ["coupon pause 01JEXAMPLE", "coupon pause 01JEXAMPLE --actor kim"],
  notes:
    "Who has a coupon still gets it. Before the opening: it does not open, even when its start comes, until it is resumed.",

  async run(session, input) {
    const request = commonRequest(session, input);
    await makeChange(session, input, {
      method: CampaignService.method.pauseCampaign,
      request,
      send: (sent, options) => session.campaigns.pauseCampaign(sent, options),
      done: "paused",
    });
  },
};
