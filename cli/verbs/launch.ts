import type { Command } from "../command.ts";
import { watchOptions } from "../watched.ts";

export const launch: Command = {
  name: "launch",
  summary: "the launch console: a whole screen of countdown, counts, rates, processes and events",
  takesCampaign: true,
  options: watchOptions,
  examples: ["coupon launch 01JEXAMPLE", "coupon launch 01JEXAMPLE --json | jq -c .events[]"],
  notes:
    "q or Ctrl-C leaves and gives the screen back; p makes a preflight, which it also makes by itself until it has opened. It stays when the\n" +
    "campaign is over and, once it was connected, while no server answers. The countdown runs on the server's clock. docs/console.md shows the screens.\n" +
    "In a pipe, with TERM=dumb or with --json it writes lines as coupon watch does, until the campaign is over.",
};
