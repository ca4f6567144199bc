import type { Command } from "../command.ts";
import { dryRunOption } from "../shared-options.ts";

export const redeem: Command = {
  name: "redeem",
  summary: "redeem a coupon, in one step or as reserve, then confirm or cancel",
  takesCampaign: false,
  options: [
    { flags: "--code <code>", about: "the code as its holder typed it" },
    {
      flags: "--key <key>",
      about:
        "idempotency key, best the id of the order; one is made if none is given, unless --confirm or --cancel",
    },
    { flags: "--user <id>", about: "who redeems it, where the campaign binds its coupons to their users" },
    { flags: "--reserve", about: "only keep the code for the key" },
    { flags: "--for <ms>", about: "with --reserve: for how long, 1000 to 86400000 (default 600000)" },
    { flags: "--confirm", about: "redeem what --reserve kept for the key" },
    { flags: "--cancel", about: "let it go" },
    dryRunOption,
  ],
  examples: [
    'coupon redeem --code "예송탐 니빈즈-7550" --key order-1001',
    "coupon redeem --code 예송탐니빈즈7550 --key order-1001 --reserve --for 60000",
    "coupon redeem --code 예송탐니빈즈7550 --key order-1001 --confirm",
  ],
  notes:
    "Needs the role redeemer or operator. A repeated run with the same key changes nothing and shows the same redemption;\n" +
    "a confirmed one is final. docs/redemption.md has the rules.",
};
