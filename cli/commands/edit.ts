import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { changeOptions, commonRequest, makeChange } from "../change.ts";
import type { Command } from "../command.ts";
import { endFields, readInstants } from "../new-instants.ts";
import { printable } from "../render.ts";
import { UserError } from "../user-error.ts";

export const edit: Command = {
  name: "edit",
  summary: "change the name of a campaign, or its end until it has ended",
  takesCampaign: true,
  options: [
    { flags: "--name <text>", about: "what the operators call it, 1 to 200 characters" },
    { flags: "--end <T>", about: "the instant from which nothing is issued" },
    { flags: "--no-end", about: "without an end from now on" },
    ...changeOptions,
  ],
  examples: [
    'coupon edit 01JEXAMPLE --name "Christmas, second wave"',
    'coupon edit 01JEXAMPLE --end "2026-12-31 23:59 Asia/Seoul"',
    "coupon edit 01JEXAMPLE --no-end",
  ],
  notes:
    "The start is moved by coupon reschedule, the number of coupons raised by coupon add; coupon end ends it at once.",

  async run(session, input) {
    const name = input.text("--name");
    if (input.text("--end") === "now") {
      throw new UserError("--end now: an end lies ahead", {
        hint: `coupon end ${printable(input.campaignId)} ends it at once, coupon cancel before it has opened`,
      });
    }
    const instants = await readInstants(session, input);
    if (name === undefined && instants.end === undefined && !instants.noEnd)
      throw new UserError("there is nothing to change", { hint: "give --name, --end or --no-end" });
    const common = commonRequest(session, input);
    const request = { ...common, ...(name === undefined ? {} : { name }), ...endFields(instants) };
    await makeChange(session, input, {
      method: CampaignService.method.updateCampaign,
      request,
      send: (sent, options) => session.campaigns.updateCampaign(sent, options),
      done: "changed",
      instants,
    });
  },
};
