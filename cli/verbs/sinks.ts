import type { Command } from "../command.ts";
import { actorOption, dryRunOption, yesOption } from "../shared-options.ts";

export const sinkVerbs = [
  ...(["list", "show", "add", "test", "pause", "resume", "edit", "rotate", "remove"] as const),
] as const;

export const sinks: Command = {
  name: "sinks",
  summary: "the receivers of events: webhooks and exchanges of RabbitMQ",
  takesCampaign: false,
  argument: {
    // All of them here would leave the list of verbs no room.
    name: "verb",
    about: `one of ${sinkVerbs.join(", ")}`,
    choices: sinkVerbs,
    second: { name: "name", about: "of the sink; list takes none" },
  },
  options: [
    { flags: "--to <url>", about: "add, edit: https:// for a webhook, amqps:// for RabbitMQ" },
    {
      flags: "--to-file <file>",
      about: "the same, in a file: for a url that holds a password",
      offers: "files",
    },
    {
      flags: "--secret-file <file>",
      about: "add, rotate: the file that holds the webhook's secret (whsec_…); without it one is made",
      offers: "files",
    },
    { flags: "--exchange <name>", about: "add, edit: of RabbitMQ" },
    { flags: "--batched", about: "add, edit: several events a request of a webhook" },
    { flags: "--no-batched", about: "edit: one event a request" },
    { flags: "--campaign <id>", about: "add: events of this campaign alone, its whole id (default all)" },
    { flags: "--types <list>", about: "add, edit: types of events, with commas between (default all)" },
    { flags: "--all-types", about: "edit: all types of events" },
    { flags: "--thresholds <list>", about: "add, edit: stocks for stock.low, such as 100,10%" },
    { flags: "--no-thresholds", about: "edit: no stocks" },
    { flags: "--from-beginning", about: "add: also what happened before (default from now on)" },
    { flags: "--paused", about: "add: deliver nothing until coupon sinks resume" },
    { flags: "--overlap <ms>", about: "rotate: how long the old secret signs too (default 86400000, a day)" },
    { flags: "--no-overlap", about: "rotate: the old secret signs no more" },
    actorOption,
    dryRunOption,
    yesOption,
  ],
  examples: [
    "coupon sinks add crm --to https://crm.example.com/hooks/coupons --batched --thresholds 10%",
    "coupon sinks add mail --to-file amqps-url.txt --exchange coupons --types coupon.issued",
    "coupon sinks list",
    "coupon sinks test crm",
    "coupon sinks rotate crm --json | jq -r .secret",
    "coupon sinks remove crm --yes",
  ],
  notes:
    "The secret of a webhook is shown this once. A sink that is paused gets all that has happened meanwhile when it is resumed;\n" +
    "one that is removed loses its dead letters, so remove asks first. docs/events.md says what receivers get.",
};
