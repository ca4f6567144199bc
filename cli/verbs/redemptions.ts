import type { Command } from "../command.ts";

export const redemptions: Command = {
  name: "redemptions",
  summary: "what is recorded of a code: redemptions, and who made it void",
  takesCampaign: false,
  options: [{ flags: "--code <code>", about: "the code as its holder typed it" }],
  examples: ['coupon redemptions --code "예송탐 니빈즈-7550"'],
};
