import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Colour } from "../../campaign/preflight/line.ts";
import type { Preflight } from "../../campaign/preflight/preflight.ts";
import { validCampaignId } from "../../campaign/valid.ts";
import { type CampaignService, PreflightColour } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import { viewCampaign } from "../view/campaign-view.ts";
import { toConnectError } from "./rpc-status.ts";

export type PreflightService = Pick<ServiceImpl<typeof CampaignService>, "preflightCampaign">;

export type PreflightServiceDeps = { preflight: Preflight; clock: Clock };

const COLOURS: Readonly<Record<Colour, PreflightColour>> = {
  green: PreflightColour.GREEN,
  amber: PreflightColour.AMBER,
  red: PreflightColour.RED,
};

export function createPreflightService({ preflight, clock }: PreflightServiceDeps): PreflightService {
  return {
    async preflightCampaign(request) {
      const id = validCampaignId(request.campaignId);
      if (!id.ok) throw toConnectError(id.refusal, clock.now());
      const report = await preflight(id.value);
      if (report === null) throw toConnectError({ reason: "UNKNOWN_CAMPAIGN" }, clock.now());
      return {
        campaign: viewCampaign(report.campaign, report.issued),
        colour: COLOURS[report.colour],
        lines: report.lines.map((line) => ({ ...line, colour: COLOURS[line.colour] })),
        serverTime: timestampFromMs(clock.now()),
      };
    },
  };
}
