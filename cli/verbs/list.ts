import type { Command } from "../command.ts";

export const defaultLimit = 50;

export const list: Command = {
  name: "list",
  summary: "list the campaigns, newest first",
  takesCampaign: false,
  options: [
    { flags: "--limit <n>", about: `at most this many (default ${defaultLimit})` },
    { flags: "--rehearsals", about: "rehearsals too, first" },
  ],
  examples: ["coupon list", "coupon list --limit 1000 --json | jq -r .id"],
};
