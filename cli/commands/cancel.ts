import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped, isOrAre } from "../../runtime/counting.ts";
import { commonRequest, makeChange, unissued } from "../change.ts";
import type { Action } from "../command.ts";
import { UserError } from "../user-error.ts";
import { cancelSeries } from "./cancel-series.ts";

export const action: Action = {
  async run(session, input) {
    const seriesId = input.text("--series");
    if (seriesId !== undefined) return cancelSeries(session, input, seriesId);
    if (input.optionalCampaignId === undefined)
      throw new UserError("a campaign id is missing", {
        hint: "coupon list shows them; --series takes a series",
      });
    const request = commonRequest(session, input);
    await makeChange(session, input, {
      method: CampaignService.method.cancelCampaign,
      request,
      send: (sent, options) => session.campaigns.cancelCampaign(sent, options),
      done: "cancelled",
      question: (campaign) => ({
        what: `cancel ${campaign.id} (${campaign.name}): its ${counted(unissued(campaign), "unissued coupon")} ${isOrAre(unissued(campaign))} retired for ever, ${grouped(campaign.issued)} stay with their holders`,
        typed: campaign.id,
      }),
    });
  },
};
