import type { Command } from "../command.ts";

export const defaultIntervalMs = 1_000;

export const watch: Command = {
  name: "watch",
  summary: "follow a campaign until it has sold out or ended",
  takesCampaign: true,
  options: [
    { flags: "--interval <ms>", about: `between messages, 100 to 60000 (default ${defaultIntervalMs})` },
  ],
  examples: ["coupon watch 01JEXAMPLE", "coupon watch 01JEXAMPLE --json | jq .issuedPerSecond"],
  notes:
    "The countdown runs on the server's clock. A broken stream is opened again; Ctrl-C ends the watch only.\n" +
    "coupon launch shows the same and more on the whole screen.",
};
