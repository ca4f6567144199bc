import type { Command } from "../command.ts";
import { watchOptions } from "../watched.ts";

export const watch: Command = {
  name: "watch",
  summary: "follow a campaign until it has sold out or ended",
  takesCampaign: true,
  options: watchOptions,
  examples: ["coupon watch 01JEXAMPLE", "coupon watch 01JEXAMPLE --json | jq .issuedPerSecond"],
  notes:
    "The countdown runs on the server's clock. A broken stream is opened again; Ctrl-C ends the watch only.\n" +
    "Every change is shown once and in order, however late it is read; --after with the last revision goes on after a break.\n" +
    "coupon launch shows the same and more on the whole screen.",
};
