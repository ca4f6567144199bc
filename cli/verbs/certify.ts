import type { Command } from "../command.ts";

export const certify: Command = {
  name: "certify",
  summary: "the certificate of a campaign that is over, by which anyone checks its launch",
  takesCampaign: true,
  options: [
    {
      flags: "--out <file>",
      about: "write this file; it appears only when it is whole (default: standard output)",
      offers: "files",
    },
  ],
  examples: [
    "coupon certify 01JEXAMPLE --out certificate.jsonl",
    "npx verify-certificate certificate.jsonl --commitment commitment.jsonl",
  ],
  notes: `The certificate has the issue order with salted hashes in place of codes and holders, its root signed with the CERTIFICATE_KEY of the
service: publish it. It is made once, when the campaign is sold out, has ended or was cancelled, and a repeated command gets the same;
where coupons were added or issued since, a new one. docs/proof.md has the format, and what it proves.`,
};
