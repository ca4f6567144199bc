import type { Command } from "../command.ts";
import { finalChangeOptions } from "../shared-options.ts";

export const end: Command = {
  name: "end",
  summary: "end a campaign that has opened, now and for good",
  takesCampaign: true,
  options: finalChangeOptions,
  examples: ["coupon end 01JEXAMPLE", "coupon end 01JEXAMPLE --yes --json"],
  notes: "Who has a coupon still gets it. One that has not opened yet is cancelled instead: coupon cancel.",
};
