import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import { commonRequest, makeChange } from "../change.ts";
import type { Action } from "../command.ts";
import { UserError } from "../user-error.ts";

const maxCount = 5_000_000;

export const action: Action = {
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
        what: `add ${grouped(count)} to ${id} (${name}): its ${counted(total + adding, "coupon becomes", "coupons become")} ${grouped(total + adding + count)}, and none can be taken away again`,
      }),
    });
  },
};
