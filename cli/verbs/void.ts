import type { Command, OptionSpec } from "../command.ts";
import { actorOption, changeOptions } from "../shared-options.ts";

const dryRunOptions = changeOptions.filter(({ flags }) => flags.startsWith("--dry-run"));

const codeOption: OptionSpec = { flags: "--code <code>", about: "the code as its holder typed it" };
const reasonOption: OptionSpec = {
  flags: "--reason <text>",
  about: "why, for the record; at most 200 characters",
};

export const voidCode: Command = {
  name: "void",
  summary: "make a code void, so that nobody can redeem it",
  takesCampaign: false,
  options: [
    codeOption,
    reasonOption,
    { flags: "--cancel-reservations", about: "cancel live reservations, which can be confirmed otherwise" },
    actorOption,
    ...dryRunOptions,
  ],
  examples: ['coupon void --code "예송탐 니빈즈-7550" --reason "printed twice"'],
  notes:
    "What is redeemed stays so. coupon unvoid takes it back; coupon redemptions shows who did what when and why.",
};

export const unvoid: Command = {
  name: "unvoid",
  summary: "make a void code valid again",
  takesCampaign: false,
  options: [codeOption, reasonOption, actorOption, ...dryRunOptions],
  examples: ['coupon unvoid --code "예송탐 니빈즈-7550" --reason "it was another one"'],
};
