import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, finalChangeOptions, makeChange } from "../change.ts";
import type { Command } from "../command.ts";
import { endFields, readInstants } from "../new-instants.ts";
import { UserError } from "../user-error.ts";

export const reschedule: Command = {
  name: "reschedule",
  summary: "move the start of a campaign, to earlier or later, until it has opened",
  takesCampaign: true,
  options: [
    { flags: "--start <T>", about: "the new start, see below" },
    { flags: "--end <T>", about: "the new end too; start+2h counts from --start" },
    { flags: "--no-end", about: "without an end from now on" },
    ...finalChangeOptions,
  ],
  examples: [
    'coupon reschedule 01JEXAMPLE --start "2026-12-24 21:00 Asia/Seoul"',
    "coupon reschedule 01JEXAMPLE --start +30m --end start+2h",
  ],
  notes:
    "T is RFC 3339 with Z or an offset, a date, a time and a zone name, +10m, +2h30m, or now. Without --end and --no-end\n" +
    "the end stays where it is. A start that has come opens the campaign at once, so it is asked about first.",

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
