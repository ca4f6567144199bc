import type { Command } from "../command.ts";
import { finalChangeOptions } from "../shared-options.ts";

export const reschedule: Command = {
  name: "reschedule",
  summary: "move the start of a campaign, to earlier or later, until it has opened",
  takesCampaign: true,
  options: [
    { flags: "--start <T>", about: "the new start, see below" },
    { flags: "--end <T>", about: "the new end too; start+2h counts from --start" },
    { flags: "--no-end", about: "without an end from now on" },
    ...finalChangeOptions,
  ],
  examples: [
    'coupon reschedule 01JEXAMPLE --start "2026-12-24 21:00 Asia/Seoul"',
    "coupon reschedule 01JEXAMPLE --start +30m --end start+2h",
  ],
  notes:
    "T is RFC 3339 with Z or an offset, a date, a time and a zone name, +10m, +2h30m, or now. Without --end and --no-end\n" +
    "the end stays where it is. A start that has come opens the campaign at once, so it is asked about first.",
};
