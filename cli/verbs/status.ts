import type { Command } from "../command.ts";

export const status: Command = {
  name: "status",
  summary: "the public face of a campaign: state, instants, time left; needs no token",
  takesCampaign: true,
  options: [],
  examples: ["coupon status 01JEXAMPLE", "coupon status 01JEXAMPLE --json | jq -r .millisToStart"],
};
