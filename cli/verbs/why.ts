import type { Command } from "../command.ts";

export const why: Command = {
  name: "why",
  summary: "what a user or a request id asked of a campaign, when, at which server, and the answers",
  takesCampaign: true,
  options: [
    { flags: "--user <id>", about: "the user who complains" },
    { flags: "--request <id>", about: "or the request id" },
  ],
  examples: ["coupon why 01JEXAMPLE --user alice", "coupon why 01JEXAMPLE --user alice --json"],
  notes:
    "It shows what the attempt log has: each winner's first answer, and a sample of all others, while ATTEMPTS_KEPT is set at\n" +
    "the servers. A sample is no proof that nothing else was asked.",
};
