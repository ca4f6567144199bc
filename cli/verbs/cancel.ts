import type { Command } from "../command.ts";
import { finalChangeOptions } from "../shared-options.ts";

export const cancel: Command = {
  name: "cancel",
  summary: "call a campaign off, for good: unissued codes are retired",
  takesCampaign: "optional",
  options: [
    { flags: "--series <id>", about: "in place of a campaign: all of this series that have not opened" },
    ...finalChangeOptions,
  ],
  examples: [
    "coupon cancel 01JEXAMPLE",
    "coupon cancel 01JEXAMPLE --yes",
    "coupon cancel --series daily --dry-run",
  ],
  notes:
    "What was issued stays with its holders, and they still get it when they ask again. A campaign of a\n" +
    "series that starts within five seconds is left alone, as it may open meanwhile.",
};
