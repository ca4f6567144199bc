import type { Command } from "../command.ts";

export const formats: Command = {
  name: "formats",
  summary: "code formats: examples, size of the space, odds of a lucky guess and of a collision",
  takesCampaign: false,
  options: [
    {
      flags: "--format <pattern>",
      about: "only this one, such as 가가가가0000 or SUMMER-AAAA0000",
      offers: ["가가가가가가0000", "가가가가가가000#", "########", "SUMMER-AAAA0000"],
    },
    { flags: "--total <n>", about: "coupons of the campaign to reckon with, 1 to 5000000 (default 1000)" },
  ],
  examples: [
    "coupon formats",
    "coupon formats --format 가가가가가가000# --total 1000000",
    "coupon formats --format SUMMER-AAAA0000 --total 50",
    "coupon formats --total 50000 --json | jq '.formats[] | {codeFormat, guessOdds, fits}'",
  ],
  notes: `A pattern has 가 for a syllable, 0 for a digit, A for a letter, # for a letter or digit; after 가 and 0 alone a last # is a
check character. A prefix may come first, with a hyphen, which is in the pattern and not in the code: SUMMER-AAAA0000 gives codes
such as SUMMERKTWX7394. Letters have no vowels and nothing that looks like a digit. A guess is one try at a code of the format by somebody who knows how they are made; it hits one that exists with the odds shown.
A collision is a code drawn twice while the codes are made: it is made again, and no caller notices. A format fits where a guess
succeeds less often than once in a million. Examples carry 예 in place of their first
syllable, or E in place of their first letter: no code that is made has it, so none is a coupon.`,
};
