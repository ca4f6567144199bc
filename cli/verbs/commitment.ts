import type { Command } from "../command.ts";

export const commitment: Command = {
  name: "commitment",
  summary: "what a campaign has committed to before its start: save it, and codes cannot be changed unseen",
  takesCampaign: true,
  options: [{ flags: "--out <file>", about: "write the newest one, signed, to this file", offers: "files" }],
  examples: [
    "coupon commitment 01JEXAMPLE",
    "coupon commitment 01JEXAMPLE --out commitment.jsonl",
    "npx verify-certificate commitment.jsonl",
  ],
  notes:
    "Anyone may ask for it; it needs no credential. It is the Merkle root over the salted codes, made before the first of them can be\n" +
    "issued, and one more for coupons that are added. docs/proof.md has the format, and what it proves.",
};
