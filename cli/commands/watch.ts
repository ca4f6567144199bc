import { toJson } from "@bufbuild/protobuf";
import { WatchCampaignResponseSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { plainWatchLine } from "../bar.ts";
import type { Command } from "../command.ts";
import { followCampaign } from "../follow.ts";
import { jsonOptions } from "../json.ts";
import { paintedState } from "../output.ts";
import { campaignFacts, factLines, isOver } from "../render.ts";

const defaultIntervalMs = 1_000;

export const watch: Command = {
  name: "watch",
  summary: "follow a campaign until it has sold out or ended",
  takesCampaign: true,
  options: [
    { flags: "--interval <ms>", about: `between messages, 100 to 60000 (default ${defaultIntervalMs})` },
  ],
  examples: ["coupon watch 01JEXAMPLE", "coupon watch 01JEXAMPLE --json | jq .issuedPerSecond"],
  notes:
    "The countdown runs on the server's clock. A broken stream is opened again; Ctrl-C ends the watch only.",

  async run(session, input) {
    const { output, settings } = session;
    const intervalMs = input.wholeNumber("--interval", 100, 60_000) ?? defaultIntervalMs;
    const last = await followCampaign(session, {
      campaignId: input.campaignId,
      intervalMs,
      draw: output.interactive,
      async onMessage(message) {
        if (output.json) {
          const line = toJson(WatchCampaignResponseSchema, message, jsonOptions);
          await output.write(`${JSON.stringify(line)}\n`);
        } else if (!output.interactive) {
          await output.write(`${plainWatchLine(message)}\n`);
        }
        return message.campaign !== undefined && isOver(message.campaign.state);
      },
    });
    const { campaign } = last;
    if (!output.interactive || campaign === undefined) return;
    const title = `${output.style("bold", campaign.id)}  ${paintedState(output, campaign.state)}\n`;
    await output.write(
      title + factLines(campaignFacts(campaign, { zone: settings.zone, serverMs: undefined })),
    );
  },
};
