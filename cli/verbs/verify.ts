import type { Command } from "../command.ts";
import { exitCodes } from "../exit-code.ts";

export const defaultOffenders = 20;

export const verify: Command = {
  name: "verify",
  summary: "prove that a campaign is right: each guarantee against both stores, live or after",
  takesCampaign: true,
  options: [
    {
      flags: "--history <file>",
      about: "the callers' own records too, JSON lines (docs/verify.md); several files with commas",
      offers: "files",
    },
    {
      flags: "--confirmed <file>",
      about:
        "what redeemers were told is redeemed, JSON lines with code and key (docs/verify.md); several files with commas",
      offers: "files",
    },
    {
      flags: "--clock-tolerance <ms>",
      about: "how far the callers' clocks may be off (default 0: the same machine)",
    },
    {
      flags: "--offenders <n>",
      about: `name at most so many violations a check (default ${defaultOffenders})`,
    },
  ],
  examples: [
    "coupon verify 01JEXAMPLE",
    "coupon verify 01JEXAMPLE --history load.jsonl --clock-tolerance 50",
    "coupon verify 01JEXAMPLE --confirmed redeemed.jsonl",
    "coupon verify 01JEXAMPLE --json | jq -r '.stores.checks[] | select(.verdict | endswith(\"VIOLATED\")) | .title'",
  ],
  notes:
    "The service reads its stores, slowly enough for claims not to notice; the callers' records are checked here, against its\n" +
    "export. What a live sale cannot show is reported as not judged. A coupon is told by its place (coupon 12 of the campaign, 1-57\n" +
    `in the issue order), never by its code. Exit code ${exitCodes.wrong} where a guarantee is violated, ${exitCodes.unjudged}\nwhere one that can be judged was not.`,
};
