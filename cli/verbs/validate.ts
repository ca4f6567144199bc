import type { Command } from "../command.ts";

export const validate: Command = {
  name: "validate",
  summary: "whether a code may be redeemed now, or why not",
  takesCampaign: false,
  options: [
    { flags: "--code <code>", about: "the code as its holder typed it" },
    {
      flags: "--user <id>",
      about: "who wants to redeem it, where the campaign binds its coupons to their users",
    },
  ],
  examples: ['coupon validate --code "예송탐 니빈즈-7550"', "coupon validate --code CODE && echo take it"],
  notes:
    "Changes nothing, and exits with 3 where the code may not be redeemed. Needs the role redeemer or operator; the service limits how\n" +
    "often an address asks.",
};
