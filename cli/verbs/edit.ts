import type { Command } from "../command.ts";
import { finalChangeOptions, metaOption } from "../shared-options.ts";

export const edit: Command = {
  name: "edit",
  summary:
    "change the name or the metadata of a campaign, when its users are erased, or its end until it has ended",
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
    {
      flags: "--forget-users-after <days>",
      about: "so many days after it is over, its users are erased: 1 to 3650; needs the role admin",
    },
    { flags: "--keep-users", about: "its users are no longer erased by itself; needs the role admin" },
    ...finalChangeOptions,
  ],
  examples: [
    'coupon edit 01JEXAMPLE --name "Christmas, second wave"',
    'coupon edit 01JEXAMPLE --end "2026-12-31 23:59 Asia/Seoul"',
    "coupon edit 01JEXAMPLE --no-end",
    "coupon edit 01JEXAMPLE --forget-users-after 30",
    "coupon edit 01JEXAMPLE --meta owner=lee --unmeta channel",
  ],
  notes:
    "Where a campaign is over, --forget-users-after asks first: what is erased stays so. " +
    "The start is moved by coupon reschedule, the number of coupons raised by coupon add; coupon end ends it at once.",
};
