import { toJson } from "@bufbuild/protobuf";
import { CampaignSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { paintedState } from "../painted-state.ts";
import { campaignFacts, epochMsOf, factLines, printable } from "../render.ts";
import { UserError } from "../user-error.ts";

const codesPerPage = 10_000;

export const action: Action = {
  async run(session, input) {
    const { output, settings, campaigns } = session;
    const withCodes = input.flag("--codes") === true;
    if (withCodes && input.flag("--basic") === true) throw new UserError("give --codes or --basic, not both");
    const view = withCodes ? CampaignView.FULL : CampaignView.BASIC;
    const request = { campaignId: input.campaignId, view, pageSize: codesPerPage };

    let page = await call(session, (options) => campaigns.getCampaign(request, options));
    const { campaign, serverTime } = page;
    if (campaign === undefined) throw new Error("the service answered without a campaign");
    const serverMs = epochMsOf(serverTime);
    if (!output.json) {
      const title = `${output.style("bold", campaign.id)}  ${paintedState(output, campaign.state)}\n`;
      await output.write(title + factLines(campaignFacts(campaign, { zone: settings.zone, serverMs })));
    }
    const codes: string[] = [];
    for (;;) {
      if (withCodes && output.json) for (const code of page.issuedCodes) codes.push(code);
      else if (withCodes) await output.write(page.issuedCodes.map((code) => `${printable(code)}\n`).join(""));
      const pageToken = page.nextPageToken;
      if (!withCodes || pageToken === "") break;
      page = await call(session, (options) => campaigns.getCampaign({ ...request, pageToken }, options));
      if (page.nextPageToken === pageToken) throw new Error("the service repeats a page token");
    }
    if (!output.json) return;
    const shown = {
      campaign: toJson(CampaignSchema, campaign, jsonOptions),
      ...(withCodes ? { issuedCodes: codes } : {}),
      ...(serverMs === undefined ? {} : { serverTime: new Date(serverMs).toISOString() }),
    };
    await output.write(`${JSON.stringify(shown)}\n`);
  },
};
