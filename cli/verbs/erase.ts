import type { Command } from "../command.ts";
import { actorOption, yesOption } from "../shared-options.ts";

export const erase: Command = {
  name: "erase",
  summary: "forget users: pseudonyms take the place of their ids, for good",
  takesCampaign: "optional",
  options: [
    {
      flags: "--users <file>",
      about: "the user ids, one a line, - for standard input: so that none stays in the shell's history",
      offers: "files",
    },
    {
      flags: "--user <id>",
      about: "one user id; other users of the machine see it in its list of processes",
    },
    actorOption,
    {
      flags: "--dry-run <client|server>",
      about:
        "client, or nothing: tell how many users would be sent, and send nothing; server: count their coupons, and erase nothing",
    },
    yesOption,
  ],
  examples: [
    "coupon erase --users to-forget.txt",
    "coupon erase 01JEXAMPLE --users to-forget.txt --dry-run=server",
    "pass show forget | coupon erase --users - --yes",
  ],
  notes: `Without a campaign id in all campaigns. The users keep their coupons, and the service answers them with these when they ask again.
A live campaign takes some seconds: every server has to know of it before the first id is replaced. Needs ERASURE_KEY on all processes
of the service, and the role admin. Exports, records of callers and events that have left the service are not reached:
docs/privacy.md lists what stays where, and for how long.`,
};
