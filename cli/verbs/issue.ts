import type { Command } from "../command.ts";
import { dryRunOption } from "../shared-options.ts";

export const issue: Command = {
  name: "issue",
  summary: "claim one coupon",
  takesCampaign: true,
  options: [
    { flags: "--user <id>", about: "who claims; needed where the campaign counts the coupons of each user" },
    {
      flags: "--request-id <id>",
      about: "idempotency key where it is not; each run makes its own if none is given",
    },
    {
      flags: "--receipt <file>",
      about: "where it is refused: write the service's signed receipt there, for npx verify-certificate",
      offers: "files",
    },
    dryRunOption,
  ],
  examples: ["coupon issue 01JEXAMPLE --user alice", "coupon issue 01JEXAMPLE --request-id 8c1f2d1e --json"],
  notes:
    "The key of a claim always gets the same coupon, so asking again with it is safe and is done by itself. Where the campaign is\n" +
    "one-per-user the key is the user. In any other campaign it is the request id, and --user is only kept beside it: each run without\n" +
    "--request-id makes a new one and gets another coupon, also for the same user, up to what the campaign gives each.",
};
