import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { CouponService, IssueCouponResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { call } from "../call.ts";
import type { Command } from "../command.ts";
import { couponFacts } from "../coupon-facts.ts";
import { dryRun, dryRunOption } from "../dry-run.ts";
import { refusalOf } from "../failure.ts";
import { jsonOptions } from "../json.ts";
import { factLines, printable } from "../render.ts";
import { UncertainCall, UserError } from "../user-error.ts";

export const issue: Command = {
  name: "issue",
  summary: "claim one coupon",
  takesCampaign: true,
  options: [
    { flags: "--user <id>", about: "who claims; needed where the campaign is one-per-user" },
    { flags: "--request-id <id>", about: "idempotency key where it is not; one is made if none is given" },
    dryRunOption,
  ],
  examples: ["coupon issue 01JEXAMPLE --user alice", "coupon issue 01JEXAMPLE --request-id 8c1f2d1e --json"],
  notes:
    "The same user or request id always gets the same coupon, so asking again is safe and is done by itself.",

  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const userId = input.text("--user");
    const requestId = input.text("--request-id") ?? randomUUID();
    const request = { campaignId, requestId, ...(userId === undefined ? {} : { userId }) };
    if (await dryRun(session, input, { method: CouponService.method.issueCoupon, request })) return;
    const again = userId === undefined ? "" : ` --user ${printable(userId)}`;
    const answer = await call(session, (options) => session.coupons.issueCoupon(request, options), {
      again: "asking again with the same key",
      advice: `it may have been issued: run again with --request-id ${printable(requestId)}${again}`,
    }).catch((error: unknown) => {
      throw userId === undefined && missesUser(error) ? userMissing(error) : error;
    });
    if (answer.coupon === undefined) throw new Error("the service answered without a coupon");
    if (output.json) {
      const shown = { ...Object(toJson(IssueCouponResponseSchema, answer, jsonOptions)), requestId };
      await output.write(`${JSON.stringify(shown)}\n`);
      return;
    }
    const facts = couponFacts(answer.coupon, settings.zone);
    if (answer.replayed) facts.push(["note", "this key had it already"]);
    // Where the campaign is one-per-user the user is the key, and the request id is not kept.
    const use = userId === undefined ? "" : "  (not the key where the campaign is one-per-user)";
    facts.push(["request id", `${printable(requestId)}${use}`]);
    await output.write(`${output.style("bold", printable(answer.coupon.code))}\n${factLines(facts)}`);
  },
};

/** Only the campaign says whether it gives one coupon a user, so it is the service that misses the user. */
function missesUser(error: unknown): boolean {
  const cause = error instanceof UncertainCall ? error.cause : error;
  return (
    refusalOf(cause)?.reason === RefusalReason.INVALID &&
    cause instanceof ConnectError &&
    cause.rawMessage.startsWith("user_id: ")
  );
}

function userMissing(cause: unknown): UserError {
  return new UserError("this campaign gives one coupon per user, and no user is given", {
    hint: "give --user and who claims",
    cause,
  });
}
