import type { Command } from "../command.ts";

export const find: Command = {
  name: "find",
  summary: "look up the coupon of a user or a request id, or the holder of a code",
  takesCampaign: "optional",
  options: [
    { flags: "--user <id>", about: "the user that claimed" },
    { flags: "--request <id>", about: "the request id that claimed, where the campaign is not one-per-user" },
    { flags: "--request-id <id>", about: "the same", hidden: true },
    { flags: "--code <code>", about: "the code as its holder typed it; needs the operator token" },
  ],
  examples: [
    "coupon find 01JEXAMPLE --user alice",
    "coupon find 01JEXAMPLE --request 8c1f2d1e",
    "coupon find 01JEXAMPLE --user alice --request 8c1f2d1e",
    'coupon find --code "예송탐 니빈즈-7550"',
  ],
  notes: `A code is found in any Unicode form, with spaces and hyphens where its holder put them; without a campaign id in all campaigns. A
code whose check character does not fit is told to be mistyped. One that nobody has got yet is answered like one that does not exist.
Users and request ids are kept exactly as their caller wrote them; where one is not found as given it is looked up without spaces
and in the other Unicode forms too, and it is said under which spelling it was found. Where a campaign is not one-per-user, --user finds
the coupons that this user's tokens claimed, and a request id that came with a token needs --user beside it; so it does where the
campaign gives each user several up to a number.
Operators are answered by their own service (role operator), with who claimed, whatever credential claims need. With
COUPON_CLAIM_TOKEN the command asks as a caller does; so it does, too, where the operators' service refuses it.`,
};
