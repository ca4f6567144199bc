import type { Command } from "../command.ts";

export const get: Command = {
  name: "get",
  summary: "show one campaign, with --codes also the issued codes",
  takesCampaign: true,
  options: [
    { flags: "--codes", about: "the issued codes too, in issue order" },
    { flags: "--basic", about: "the campaign and its counts only (default)" },
  ],
  examples: [
    "coupon get 01JEXAMPLE",
    "coupon get 01JEXAMPLE --codes",
    "coupon get 01JEXAMPLE --json --codes",
  ],
  notes: "For big campaigns coupon export streams the codes with their holders.",
};
