import type { Command } from "../command.ts";
import { actorOption, dryRunOption, yesOption } from "../shared-options.ts";

export const defaultWaitMs = 600_000;

export const create: Command = {
  name: "create",
  summary: "create a campaign: N coupons that open at an instant",
  takesCampaign: false,
  options: [
    { flags: "--name <text>", about: "what the operators call it, 1 to 200 characters" },
    { flags: "--total <n>", about: "how many coupons, 1 to 5000000" },
    { flags: "--start <T>", about: "the instant they open, see below" },
    { flags: "--end <T>", about: "the instant from which nothing is issued; start+2h counts from --start" },
    { flags: "--one-per-user", about: "each user id gets at most one; without it a user may get several" },
    {
      flags: "--format <pattern>",
      about:
        "of the codes: 가 a syllable, 0 a digit, a last # a check character (default 가가가가가가0000); see coupon formats",
      offers: ["가가가가가가0000", "가가가가가가000#"],
    },
    {
      flags: "--claim-auth <mode>",
      about:
        "open, key or token: how claims are authenticated, at least as the deployment demands (default as it does)",
    },
    { flags: "--request-id <id>", about: "idempotency key; the same one gives the same campaign" },
    { flags: "--wait", about: "wait until the codes are made (default on a terminal)" },
    { flags: "--no-wait", about: "do not wait" },
    { flags: "--wait-timeout <ms>", about: `give up waiting after this (default ${defaultWaitMs})` },
    actorOption,
    dryRunOption,
    { ...yesOption, about: "do not ask where the start has passed, so that it opens at once" },
  ],
  examples: [
    'coupon create --name "Christmas" --total 1000 --start 2026-12-24T20:00:00+09:00 --one-per-user',
    'coupon create --name "Christmas" --total 1000 --start "2026-12-24 20:00 Asia/Seoul" --end start+2h',
    "coupon create --name try --total 100 --start +10s --json",
    "coupon create --name try --total 100 --start +1d --dry-run",
  ],
  notes:
    "T is RFC 3339 with Z or an offset, a date, a time and a zone name, +5s +10m +2h +1d +1h30m, or now.\n" +
    "What is relative counts from the server's clock. Without --request-id one is made; tries after an unavailable\n" +
    "answer carry the same one, so that they never create a second campaign.",
};
