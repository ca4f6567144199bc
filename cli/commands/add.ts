import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, finalChangeOptions, makeChange } from "../change.ts";
import type { Command } from "../command.ts";
import { grouped } from "../render.ts";
import { UserError } from "../user-error.ts";

const maxCount = 5_000_000;

export const add: Command = {
  name: "add",
  summary: "add coupons to a campaign; a sold-out one opens again",
  takesCampaign: true,
  options: [{ flags: "--count <n>", about: "how many, 1 to 5000000" }, ...finalChangeOptions],
  examples: [
    "coupon add 01JEXAMPLE --count 500",
    "coupon add 01JEXAMPLE --count 500 --request-id wave-2 --yes",
  ],
  notes:
    "The codes are made and come into the pool by themselves; coupon get shows how far that is. Added coupons cannot be\n" +
    "taken away again, so it asks first. Without --request-id each run adds; tries after an unavailable answer carry the same one.",

  async run(session, input) {
    const count = input.wholeNumber("--count", 1, maxCount);
    if (count === undefined) throw new UserError("--count is missing", { hint: "--help shows an example" });
    const common = commonRequest(session, input);
    const request = { ...common, count };
    await makeChange(session, input, {
      method: CampaignService.method.addCoupons,
      request,
      send: (sent, options) => session.campaigns.addCoupons(sent, options),
      done: `raised by ${grouped(count)}`,
      question: ({ id, name, total, adding }) => ({
        what: `add ${grouped(count)} to ${id} (${name}): its ${grouped(total + adding)} coupons become ${grouped(total + adding + count)}, and none can be taken away again`,
      }),
    });
  },
};
