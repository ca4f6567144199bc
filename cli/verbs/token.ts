import type { Command } from "../command.ts";

export const token: Command = {
  name: "token",
  summary: "make the token of a user, as a shop's backend does: for tests and demos",
  takesCampaign: false,
  argument: { name: "issue", about: "make one and write it to standard output", choices: ["issue"] },
  options: [
    { flags: "--user <id>", about: "the user, the token's sub" },
    { flags: "--campaign <id>", about: "the only campaign that it is for (default every one)" },
    { flags: "--expires <T>", about: "until when it is good, by the clock of this machine (default +1h)" },
    { flags: "--audience <text>", about: "its aud (env CLAIM_TOKEN_AUDIENCE)" },
    {
      flags: "--secret-file <file>",
      about: "holds the secret that signs it (env CLAIM_TOKEN_SECRET_FILE, CLAIM_TOKEN_SECRET)",
      offers: "files",
    },
  ],
  examples: [
    "coupon token issue --user alice --secret-file secret --audience coupons",
    "COUPON_CLAIM_TOKEN=$(coupon token issue --user alice --expires +10m) coupon issue 01JEXAMPLE",
  ],
  notes:
    "Signed with HS256, on this machine: no service is asked. Whoever has the secret can claim for every user; docs/security.md says how a\n" +
    "shop's own backend makes tokens.",
};
