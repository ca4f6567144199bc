import type { Command } from "../command.ts";

export const preflight: Command = {
  name: "preflight",
  summary: "will it open? pool, stores, processes, clocks: green, amber or red, and what to do",
  takesCampaign: true,
  options: [],
  examples: [
    "coupon preflight 01JEXAMPLE",
    "coupon preflight 01JEXAMPLE && echo all green",
    "coupon preflight 01JEXAMPLE --json | jq '.lines[] | select(.colour != \"PREFLIGHT_COLOUR_GREEN\")'",
  ],
  notes:
    "Exits with 0 where all is green, 9 where the worst is amber, 10 where it is red. Schedulers do the same by themselves\n" +
    "ten minutes, one minute and ten seconds before each start and write what is not green to their log.",
};
