import type { Command } from "../command.ts";

export const defaultBucketMs = 1_000;
export const defaultSeconds = 60;

export const stats: Command = {
  name: "stats",
  summary: "how the sale went: issued per second from the start, lateness, time to sell-out, fairness",
  takesCampaign: true,
  options: [
    { flags: "--bucket <ms>", about: `width of a bar, 10 to 3600000 (default ${defaultBucketMs})` },
    { flags: "--seconds <n>", about: `how long from the start (default ${defaultSeconds})` },
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
    "Instants are those at which Redis decided. Who was served in which order is known without more: the numbers are that order.\n" +
    "Who arrived in which order only the callers know: with --history, pairs that were served the other way round are counted.",
};
