import type { Command } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { actorOption, dryRunOption } from "../shared-options.ts";

export const rehearse: Command = {
  name: "rehearse",
  summary: "a full launch on a shadow of a campaign, with synthetic users; then all its traces are removed",
  takesCampaign: "optional",
  options: [
    { flags: "--rate <n>", about: "presses a second, 1 to 5,000 (default 1000)" },
    {
      flags: "--users <n>",
      about: "who press, 1 to 200,000; half of them twice (default a fifth more than coupons)",
    },
    { flags: "--total <n>", about: "coupons of the rehearsal (default as many as the campaign has)" },
    {
      flags: "--in <s>",
      about:
        "seconds to its start, 3 to 3600 (default 15, and one more for each 10000 coupons); moved where it is not ready then",
    },
    { flags: "--seed <n>", about: "who presses when: the same number, the same presses" },
    { flags: "--history <file>", about: "keep the callers' records there (docs/verify.md)", offers: "files" },
    {
      flags: "--keep",
      about: "do not remove the shadow: look at it; it goes by itself within an hour or so",
    },
    { flags: "--clean", about: "only remove the rehearsals that are left: of this campaign, or of all" },
    actorOption,
    dryRunOption,
  ],
  examples: [
    "coupon rehearse 01JEXAMPLE",
    "coupon rehearse 01JEXAMPLE --rate 2000 --users 20000",
    "coupon rehearse 01JEXAMPLE --total 1000 --json > rehearsal.json",
    "coupon rehearse --clean",
  ],
  notes:
    "The shadow is a campaign of its own, with codes and a pool of its own; no step of it can reach the real one. Its callers do take\n" +
    "their share of the same servers and stores: do not rehearse while a campaign is open. Ctrl-C removes it too; after kill -9 the\n" +
    `service does, when its time is over. Exit code ${exitCodes.wrong} where it was not good, ${exitCodes.red} where only preflight was red.`,
};
