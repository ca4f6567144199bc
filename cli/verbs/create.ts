import type { Command } from "../command.ts";
import { redemptionOptions } from "../redemption-options.ts";
import { actorOption, dryRunOption, metaOption, yesOption } from "../shared-options.ts";

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
    {
      flags: "--max-per-user <k>",
      about: "each user id gets at most so many, 1 to 100; a claim then needs a user and a request id",
    },
    { flags: "--one-per-user", about: "each user id gets at most one; without it a user may get several" },
    {
      flags: "--format <pattern>",
      about:
        "of the codes, as coupon formats explains: 가 a syllable, 0 a digit, A a letter, # a letter or digit, before a hyphen a prefix (default 가가가가가가0000)",
      offers: ["가가가가가가0000", "가가가가가가000#", "########", "SUMMER-AAAA0000"],
    },
    {
      flags: "--codes <file>",
      about: "bring your own codes: CSV, or JSON lines where it ends with .jsonl; up to 5000000, see below",
      offers: "files",
    },
    {
      flags: "--faults <file>",
      about: "with --codes: write every row that cannot be a code, with its line",
      offers: "files",
    },
    {
      flags: "--claim-auth <mode>",
      about:
        "open, key or token: how claims are authenticated, at least as the deployment demands (default as it does)",
    },
    ...redemptionOptions,
    metaOption,
    {
      flags: "--forget-users-after <days>",
      about:
        "so many days after it is over, its users are erased: 1 to 3650 (default never; see coupon erase)",
    },
    {
      flags: "--every <cron>",
      about:
        'a campaign for each occurrence, such as "0 10 * * *", on the clocks of --zone; --start is then from when (default now)',
    },
    { flags: "--zone <name>", about: "of --every, such as Asia/Seoul" },
    { flags: "--until <T>", about: "of --every: no campaign starts later; at most 100 by one command" },
    {
      flags: "--series <id>",
      about: "of --every: names the series (default made of name, expression and zone)",
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
    'coupon create --name "Tickets" --total 1000 --start 2026-12-24T20:00:00+09:00 --max-per-user 4',
    'coupon create --name "Christmas" --total 1000 --start 2026-12-24T20:00:00+09:00 --one-per-user',
    'coupon create --name "Christmas" --total 1000 --start "2026-12-24 20:00 Asia/Seoul" --end start+2h',
    'coupon create --name Daily --total 500 --every "0 10 * * *" --zone Asia/Seoul --until +30d --end start+2h --dry-run',
    "coupon create --name try --total 100 --start +10s --json",
    "coupon create --name app --total 100 --start +1d --meta channel=app --meta owner=kim",
    "coupon create --name partner --codes partner.csv --faults faults.jsonl --start +1d",
    "coupon create --name try --total 100 --start +1d --dry-run",
  ],
  notes:
    "T is RFC 3339 with Z or an offset, a date, a time and a zone name, +5s +10m +2h +1d +1h30m, or now.\n" +
    "What is relative counts from the server's clock. Without --request-id one is made; tries after an unavailable\n" +
    "answer carry the same one, so that they never create a second campaign.\n" +
    "--every takes an expression of cron with five fields, or six with seconds first. A wall time that the clocks of the zone\n" +
    "skip has no campaign that day, of one that comes twice the first counts; both are said. Each campaign's request id follows\n" +
    "from the series and its instant: run again, the command goes on where it was, and with a later --until it adds the new ones.\n" +
    "--codes takes the column named code, or the only one; of JSON lines the texts, or the field code of objects.\n" +
    "Duplicates, codes of other campaigns and characters that no code has are told with their lines, and then nothing\n" +
    "is created. The same command goes on where it was broken off or killed, and shows the campaign where it is there already.",
};
