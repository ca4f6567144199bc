import type { Command } from "../command.ts";
import { runConsole } from "../console/console.ts";
import { eventText } from "../console/event-lines.ts";
import { exitCodes } from "../exit-code.ts";
import { followLines } from "../follow.ts";
import { paintedState } from "../output.ts";
import { campaignFacts, factLines } from "../render.ts";
import { UserError } from "../user-error.ts";

const defaultIntervalMs = 1_000;
const eventsAtTheEnd = 10;

export const launch: Command = {
  name: "launch",
  summary: "the launch console: a whole screen of countdown, counts, rates, processes and events",
  takesCampaign: true,
  options: [
    { flags: "--interval <ms>", about: `between messages, 100 to 60000 (default ${defaultIntervalMs})` },
  ],
  examples: ["coupon launch 01JEXAMPLE", "coupon launch 01JEXAMPLE --json | jq -c .events[]"],
  notes:
    "q or Ctrl-C leaves and gives the screen back; p makes a preflight, which it also makes by itself until it has opened. It stays when the\n" +
    "campaign is over and, once it was connected, while no server answers. The countdown runs on the server's clock. docs/console.md shows the screens.\n" +
    "In a pipe, with TERM=dumb or with --json it writes lines as coupon watch does, until the campaign is over.",

  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const intervalMs = input.wholeNumber("--interval", 100, 60_000) ?? defaultIntervalMs;
    if (!output.interactive) {
      await followLines(session, campaignId, intervalMs);
      return;
    }
    const { model, ending } = await runConsole(session, { campaignId, intervalMs });
    const { campaign } = model.message ?? {};
    if (campaign !== undefined) {
      const title = `${output.style("bold", campaign.id)}  ${paintedState(output, campaign.state)}\n`;
      const facts = campaignFacts(campaign, { zone: settings.zone, serverMs: undefined });
      const events = model.events
        .slice(-eventsAtTheEnd)
        .map((event) => `  ${eventText(event, settings.zone)}\n`);
      await output.write(title + factLines(facts) + events.join(""));
    }
    if (ending === "interrupted") throw new UserError("interrupted", { exitCode: exitCodes.interrupted });
  },
};
