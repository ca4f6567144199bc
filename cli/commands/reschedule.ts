import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, makeChange } from "../change.ts";
import type { Action } from "../command.ts";
import { endFields } from "../new-instants.ts";
import { readInstants } from "../read-instants.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const instants = await readInstants(session, input);
    const { start } = instants;
    if (start === undefined) throw new UserError("--start is missing", { hint: "--help shows an example" });
    const common = commonRequest(session, input);
    const request = { ...common, startsAt: timestampFromMs(start.epochMs), ...endFields(instants) };
    await makeChange(session, input, {
      method: CampaignService.method.rescheduleCampaign,
      request,
      send: (sent, options) => session.campaigns.rescheduleCampaign(sent, options),
      done: "rescheduled",
      instants,
      question: (campaign, serverMs) =>
        start.epochMs > serverMs || campaign.state === CampaignState.PAUSED
          ? undefined
          : {
              what: `reschedule ${campaign.id} (${campaign.name}) to a start that has come: it opens at once, and what is issued then stays issued`,
            },
    });
  },
};
