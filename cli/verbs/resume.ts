import type { Command } from "../command.ts";
import { changeOptions } from "../shared-options.ts";

export const resume: Command = {
  name: "resume",
  summary: "let a paused campaign go on",
  takesCampaign: true,
  options: changeOptions,
  examples: ["coupon resume 01JEXAMPLE"],
  notes: "Where the start or the end passed meanwhile, it opens or ends at once.",
};
