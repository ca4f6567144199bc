import type { Command } from "../command.ts";
import { finalChangeOptions } from "../shared-options.ts";

export const cancel: Command = {
  name: "cancel",
  summary: "call a campaign off, for good: unissued codes are retired",
  takesCampaign: true,
  options: finalChangeOptions,
  examples: ["coupon cancel 01JEXAMPLE", "coupon cancel 01JEXAMPLE --yes"],
  notes: "What was issued stays with its holders, and they still get it when they ask again.",
};
