import type { Command } from "../command.ts";
import { metaOption } from "../shared-options.ts";

export const defaultLimit = 50;

export const list: Command = {
  name: "list",
  summary: "list the campaigns, newest first",
  takesCampaign: false,
  options: [
    { flags: "--limit <n>", about: `at most this many (default ${defaultLimit})` },
    { flags: "--rehearsals", about: "rehearsals too, first" },
    { flags: "--series <id>", about: "only the campaigns of this series of drops" },
    {
      ...metaOption,
      about: "only campaigns with this entry in their metadata; given several times: with all of them",
    },
  ],
  examples: [
    "coupon list",
    "coupon list --limit 1000 --json | jq -r .id",
    "coupon list --meta channel=app --meta owner=kim",
  ],
};
