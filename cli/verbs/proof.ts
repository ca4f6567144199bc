import type { Command } from "../command.ts";

export const proof: Command = {
  name: "proof",
  summary: "a winner's proof: the code was committed to, and has this rank in the certificate",
  takesCampaign: true,
  options: [
    { flags: "--user <id>", about: "the user that claimed" },
    {
      flags: "--request <id>",
      about:
        "the request id that claimed, where the campaign is not one-per-user; beside --user where it gives each user several up to a number",
    },
    { flags: "--code <code>", about: "the code as its holder typed it; the proof then names no holder" },
    { flags: "--out <file>", about: "write this file (default: standard output)", offers: "files" },
  ],
  examples: [
    "coupon proof 01JEXAMPLE --user alice --out proof.jsonl",
    "npx verify-certificate proof.jsonl --user alice --code 예송탐니빈즈7550",
  ],
  notes:
    "Asks as a caller does (COUPON_CLAIM_TOKEN), and gets what the holder of the coupon may have. Before there is a certificate the proof\n" +
    "shows the commitment alone. docs/proof.md has the format, and what it proves.",
};
