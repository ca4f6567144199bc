import type { Command } from "../command.ts";

export const maxBucketMs = 1_728_000_000;

export const stats: Command = {
  name: "stats",
  summary: "how the sale went: issued over time, the busiest second, lateness, time to sell-out, fairness",
  takesCampaign: true,
  options: [
    {
      flags: "--bucket <ms>",
      about: `width of a bar, 10 to ${maxBucketMs} (20 days); by default what shows the sale in some 40 bars`,
    },
    { flags: "--seconds <n>", about: "how long the chart is; by default until 99 of 100 coupons are issued" },
    { flags: "--svg <file>", about: "write the chart there too", offers: "files" },
    {
      flags: "--history <file>",
      about: "the callers' own records, for fairness; several with commas (docs/verify.md)",
      offers: "files",
    },
  ],
  examples: [
    "coupon stats 01JEXAMPLE",
    "coupon stats 01JEXAMPLE --bucket 100 --seconds 10 --svg launch.svg",
    "coupon stats 01JEXAMPLE --history load.jsonl --json",
  ],
  notes:
    "The chart begins at the start, or at the first coupon where that came much later. Instants are those at which Redis decided. Who was served in which order is known without more: the numbers are that order.\n" +
    "Who arrived in which order only the callers know: with --history, pairs that were served the other way round are counted.",
};
