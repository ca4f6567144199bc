import type { Command } from "../command.ts";

export const defaultLimit = 100;

export const history: Command = {
  name: "history",
  summary: "what was done with a campaign, by whom and when, newest first",
  takesCampaign: true,
  options: [{ flags: "--limit <n>", about: `at most so many entries (default ${defaultLimit})` }],
  examples: ["coupon history 01JEXAMPLE", "coupon history 01JEXAMPLE --limit 1000 --json"],
  notes:
    "No call of this service changes or removes an entry. The actor is the operator that the key proved; behind a shared token's, in parentheses, the name that the caller gave;\n" +
    "scheduler, generator and server are the service itself. --json writes one entry a line.",
};
