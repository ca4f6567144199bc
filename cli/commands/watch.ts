import type { Command } from "../command.ts";
import { followLines } from "../follow.ts";
import { paintedState } from "../output.ts";
import { campaignFacts, factLines } from "../render.ts";

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
    "The countdown runs on the server's clock. A broken stream is opened again; Ctrl-C ends the watch only.\n" +
    "coupon launch shows the same and more on the whole screen.",

  async run(session, input) {
    const { output, settings } = session;
    const intervalMs = input.wholeNumber("--interval", 100, 60_000) ?? defaultIntervalMs;
    const last = await followLines(session, input.campaignId, intervalMs);
    const { campaign } = last;
    if (!output.interactive || campaign === undefined) return;
    const title = `${output.style("bold", campaign.id)}  ${paintedState(output, campaign.state)}\n`;
    await output.write(
      title + factLines(campaignFacts(campaign, { zone: settings.zone, serverMs: undefined })),
    );
  },
};
