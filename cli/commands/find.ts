import { toJson } from "@bufbuild/protobuf";
import { FindCouponResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { call } from "../call.ts";
import type { Command } from "../command.ts";
import { couponFacts } from "../coupon-facts.ts";
import { jsonOptions } from "../json.ts";
import { factLines, printable } from "../render.ts";
import { UserError } from "../user-error.ts";

export const find: Command = {
  name: "find",
  summary: "look up the coupon of a user, a request id or a code",
  takesCampaign: true,
  options: [
    { flags: "--user <id>", about: "the user that claimed" },
    { flags: "--request, --request-id <id>", about: "the request id that claimed" },
    { flags: "--code <code>", about: "the code as its holder typed it" },
  ],
  examples: ["coupon find 01JEXAMPLE --user alice", 'coupon find 01JEXAMPLE --code "가나다 라마바 1234"'],

  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const userId = input.text("--user");
    const requestId = input.text("--request-id");
    const code = input.text("--code");
    if ([userId, requestId, code].filter((key) => key !== undefined).length !== 1) {
      throw new UserError("give exactly one of --user, --request and --code");
    }
    const request = {
      campaignId,
      userId: userId ?? "",
      requestId: requestId ?? "",
      code: code ?? "",
    };
    const answer = await call(session, (options) => session.coupons.findCoupon(request, options));
    if (answer.coupon === undefined) throw new Error("the service answered without a coupon");
    if (output.json) {
      await output.write(`${JSON.stringify(toJson(FindCouponResponseSchema, answer, jsonOptions))}\n`);
      return;
    }
    const title = output.style("bold", printable(answer.coupon.code));
    await output.write(`${title}\n${factLines(couponFacts(answer.coupon, settings.zone))}`);
  },
};
