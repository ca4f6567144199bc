import type { Command } from "../command.ts";
import { actorOption, dryRunOption, yesOption } from "../shared-options.ts";

export const dlqVerbs = ["list", "replay", "drop"] as const;
export const defaultLimit = 100;

export const dlq: Command = {
  name: "dlq",
  summary: "dead letters: events that a sink did not take for a day",
  takesCampaign: false,
  argument: {
    name: "verb",
    about: `one of ${dlqVerbs.join(", ")}`,
    choices: dlqVerbs,
    second: { name: "sink", about: "its name; list shows those of all without one" },
  },
  options: [
    { flags: "--id <list>", about: "replay, drop: these, with commas between" },
    { flags: "--all", about: "replay, drop: all of the sink" },
    { flags: "--limit <n>", about: `list: at most so many (default ${defaultLimit})` },
    actorOption,
    dryRunOption,
    yesOption,
  ],
  examples: ["coupon dlq list crm", "coupon dlq replay crm --all", "coupon dlq drop crm --id a/b/1-2 --yes"],
  notes:
    "replay delivers them once more, beside the events that are delivered in order; those that the sink takes are removed. What is\n" +
    "dropped is never delivered, so drop asks first.",
};
