import type { Command } from "../command.ts";
import { changeOptions } from "../shared-options.ts";

export const pause: Command = {
  name: "pause",
  summary: "hold a campaign: nothing new is issued until coupon resume",
  takesCampaign: true,
  options: changeOptions,
  examples: ["coupon pause 01JEXAMPLE", "coupon pause 01JEXAMPLE --actor kim"],
  notes:
    "Who has a coupon still gets it. Before the opening: it does not open, even when its start comes, until it is resumed.",
};
