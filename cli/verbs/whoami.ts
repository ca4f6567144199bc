import type { Command } from "../command.ts";

export const whoami: Command = {
  name: "whoami",
  summary: "the operator whom your credential proves, the role, and what it may do",
  takesCampaign: false,
  options: [],
  examples: ["coupon whoami", "coupon whoami --json | jq -r .role"],
  notes: `The service answers from the credential of this call, and reads no store. A verb that the role does not cover is refused with exit
code 6, and changes nothing.`,
};
