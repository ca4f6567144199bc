import type { Action } from "../command.ts";
import { followLines } from "../follow.ts";
import { paintedState } from "../painted-state.ts";
import { campaignFacts, factLines } from "../render.ts";
import { defaultIntervalMs } from "../verbs/watch.ts";

export const action: Action = {
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
