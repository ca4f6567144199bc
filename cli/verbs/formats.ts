import type { Command } from "../command.ts";

export const formats: Command = {
  name: "formats",
  summary: "code formats: examples, size of the space, odds of a lucky guess and of a collision",
  takesCampaign: false,
  options: [
    {
      flags: "--format <pattern>",
      about: "only this one: 가 a syllable, 0 a digit, a last # a check character",
      offers: ["가가가가가가0000", "가가가가가가000#"],
    },
    { flags: "--total <n>", about: "coupons of the campaign to reckon with, 1 to 5000000 (default 1000)" },
  ],
  examples: [
    "coupon formats",
    "coupon formats --format 가가가가가가000# --total 1000000",
    "coupon formats --total 50000 --json | jq '.formats[] | {codeFormat, guessOdds, fits}'",
  ],
  notes: `A guess is one try at a code of the format by somebody who knows how they are made; it hits one that exists with the odds shown.
A collision is a code drawn twice while the codes are made: it is made again, and no caller notices. A format fits where a guess
succeeds less often than once in a million. Examples carry 예 in place of their first syllable: no code has it, so none is a coupon.`,
};
