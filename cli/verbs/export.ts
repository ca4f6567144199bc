import type { Command } from "../command.ts";

export const exportCoupons: Command = {
  name: "export",
  summary: "stream every issued coupon with its holder",
  takesCampaign: true,
  options: [
    { flags: "--format <csv|jsonl>", about: "default csv, with --json jsonl" },
    {
      flags: "--out <file>",
      about: "write this file; it appears only when it is whole (default: standard output)",
      offers: "files",
    },
    { flags: "--resume", about: "with --out: go on where an export to this file was broken off or killed" },
    {
      flags: "--meta",
      about: "the campaign's metadata in every row, as it is now: a column of JSON, or a field",
    },
    { flags: "--bom", about: "start the CSV with a byte order mark, for Excel" },
    {
      flags: "--page-token <token>",
      about: "go on where an export to standard output broke; no heading then",
    },
  ],
  examples: [
    "coupon export 01JEXAMPLE --out winners.csv --bom",
    "coupon export 01JEXAMPLE --out all.csv --resume     # again after a break, a kill, a reboot",
    "coupon export 01JEXAMPLE --format jsonl | wc -l",
  ],
  notes:
    "A stream that breaks midway goes on where it broke: no row twice, none lost. With --resume a draft stays beside the file\n" +
    "while it is not whole; the same command goes on with it, also after kill -9 or on a disk that was full, and a lock keeps\n" +
    "a second one away from it. CSV cells that a spreadsheet would take for a formula get a leading apostrophe; jsonl has\n" +
    "the exact values.",
};
