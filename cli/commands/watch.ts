import type { Action } from "../command.ts";
import { followLines } from "../follow.ts";
import { paintedState } from "../painted-state.ts";
import { campaignFacts, factLines } from "../render.ts";
import { watchedBy } from "../watched.ts";

export const action: Action = {
  async run(session, input) {
    const { output, settings } = session;
    const last = await followLines(session, watchedBy(input));
    const { campaign } = last;
    if (!output.interactive || campaign === undefined) return;
    const title = `${output.style("bold", campaign.id)}  ${paintedState(output, campaign.state)}\n`;
    await output.write(
      title + factLines(campaignFacts(campaign, { zone: settings.zone, serverMs: undefined })),
    );
  },
};
