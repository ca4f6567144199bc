import type { Command } from "../command.ts";
import { changeOptions, metaOption } from "../shared-options.ts";

export const edit: Command = {
  name: "edit",
  summary: "change the name or the metadata of a campaign, or its end until it has ended",
  takesCampaign: true,
  options: [
    { flags: "--name <text>", about: "what the operators call it, 1 to 200 characters" },
    { flags: "--end <T>", about: "the instant from which nothing is issued" },
    { flags: "--no-end", about: "without an end from now on" },
    { ...metaOption, about: "add this entry, or replace that of the key; may be given several times" },
    {
      flags: "--unmeta <key>",
      about: "remove the entry of this key; may be given several times",
      repeats: true,
    },
    ...changeOptions,
  ],
  examples: [
    'coupon edit 01JEXAMPLE --name "Christmas, second wave"',
    'coupon edit 01JEXAMPLE --end "2026-12-31 23:59 Asia/Seoul"',
    "coupon edit 01JEXAMPLE --no-end",
    "coupon edit 01JEXAMPLE --meta owner=lee --unmeta channel",
  ],
  notes:
    "The start is moved by coupon reschedule, the number of coupons raised by coupon add; coupon end ends it at once.",
};
