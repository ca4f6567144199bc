import type { Command } from "../command.ts";
import { finalChangeOptions } from "../shared-options.ts";

export const add: Command = {
  name: "add",
  summary: "add coupons to a campaign; a sold-out one opens again",
  takesCampaign: true,
  options: [{ flags: "--count <n>", about: "how many, 1 to 5000000" }, ...finalChangeOptions],
  examples: [
    "coupon add 01JEXAMPLE --count 500",
    "coupon add 01JEXAMPLE --count 500 --request-id wave-2 --yes",
  ],
  notes:
    "The codes are made and come into the pool by themselves; coupon get shows how far that is. Added coupons cannot be\n" +
    "taken away again, so it asks first. Without --request-id each run adds; tries after an unavailable answer carry the same one.",
};
