import { toJson } from "@bufbuild/protobuf";
import { type Campaign, CampaignSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { pagesOf } from "../pages.ts";
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

    const pages = pagesOf(session, (pageToken, options) =>
      campaigns.getCampaign({ ...request, pageToken }, options),
    );
    let first: { campaign: Campaign; serverMs: number | undefined } | undefined;
    const codes: string[] = [];
    for await (const { campaign, serverTime, issuedCodes } of pages) {
      if (first === undefined) {
        if (campaign === undefined) throw new Error("the service answered without a campaign");
        const serverMs = epochMsOf(serverTime);
        first = { campaign, serverMs };
        const title = `${output.style("bold", campaign.id)}  ${paintedState(output, campaign.state)}\n`;
        const facts = campaignFacts(campaign, { zone: settings.zone, serverMs });
        if (!output.json) await output.write(title + factLines(facts));
      }
      if (!withCodes) break;
      if (output.json) for (const code of issuedCodes) codes.push(code);
      else await output.writeData(issuedCodes.map((code) => `${printable(code)}\n`).join(""));
    }
    if (!output.json || first === undefined) return;
    const { campaign, serverMs } = first;
    const shown = {
      campaign: toJson(CampaignSchema, campaign, jsonOptions),
      ...(withCodes ? { issuedCodes: codes } : {}),
      ...(serverMs === undefined ? {} : { serverTime: new Date(serverMs).toISOString() }),
    };
    await output.write(`${JSON.stringify(shown)}\n`);
  },
};
