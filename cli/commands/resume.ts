import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { changeOptions, commonRequest, makeChange } from "../change.ts";
import type { Command } from "../command.ts";

export const resume: Command = {
  name: "resume",
  summary: "let a paused campaign go on",
  takesCampaign: true,
  options: changeOptions,
  examples: ["coupon resume 01JEXAMPLE"],
  notes: "Where the start or the end passed meanwhile, it opens or ends at once.",

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
