import type { Command } from "../command.ts";

export const events: Command = {
  name: "events",
  summary: "what happened to a campaign, or to all, as CloudEvents, one a line",
  takesCampaign: false,
  options: [
    { flags: "--campaign <id>", about: "of this campaign alone (default all)" },
    { flags: "--follow", about: "go on with those that happen, until Ctrl-C" },
    { flags: "--from-now", about: "only what happens from now on; with --follow" },
    { flags: "--types <list>", about: "types of events, with commas between (default all)" },
    { flags: "--thresholds <list>", about: "stocks for stock.low, such as 100,10%" },
    { flags: "--page-token <token>", about: "go on after an earlier run, which wrote it" },
  ],
  examples: [
    "coupon events --campaign 01JEXAMPLE",
    "coupon events --follow --from-now --types campaign.*,stock.low",
    "coupon events --campaign 01JEXAMPLE | jq -r 'select(.type == \"coupon.issued\") | .data.code'",
  ],
  notes:
    "Standard output has JSON lines, exactly as sinks get them. At the end the place is written to standard error: --page-token goes\n" +
    "on from there, each event once. A stream that breaks goes on where it broke.",
};
