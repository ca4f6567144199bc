import { toJson } from "@bufbuild/protobuf";
import { CouponRedemptionsSchema } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { writeRedemptions } from "../redemption-facts.ts";

export const action: Action = {
  async run(session, input) {
    const request = { code: input.requiredText("--code") };
    const { redemptions } = await call(session, (options) =>
      session.redemptions.getCouponRedemptions(request, options),
    );
    if (redemptions === undefined) throw new Error("the service answered without the code");
    const { output } = session;
    if (!output.json) return writeRedemptions(session, redemptions);
    await output.write(`${JSON.stringify(toJson(CouponRedemptionsSchema, redemptions, jsonOptions))}\n`);
  },
};
