import type { Action } from "../command.ts";
import { runConsole } from "../console/console.ts";
import { eventText } from "../console/event-lines.ts";
import { exitCodes } from "../exit-code.ts";
import { followLines } from "../follow.ts";
import { paintedState } from "../painted-state.ts";
import { campaignFacts, factLines } from "../render.ts";
import { UserError } from "../user-error.ts";
import { watchedBy } from "../watched.ts";

const eventsAtTheEnd = 10;

export const action: Action = {
  async run(session, input) {
    const { output, settings } = session;
    const watched = watchedBy(input);
    if (!output.interactive) {
      await followLines(session, watched);
      return;
    }
    const { model, ending } = await runConsole(session, watched);
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
