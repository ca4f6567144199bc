import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { CouponService, IssueCouponResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { couponFacts } from "../coupon-facts.ts";
import { dryRun } from "../dry-run.ts";
import { isAboutField, refusalOf } from "../failure.ts";
import { jsonOptions } from "../json.ts";
import { keepReceipt } from "../receipt-file.ts";
import { factLines, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { UncertainCall, UserError } from "../user-error.ts";

/** The time-out of the call that finds out which claim key applies; the coupon is issued before that. */
const keyTimeoutMs = 2_000;

export const action: Action = {
  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const userId = input.text("--user");
    const requestId = input.text("--request-id") ?? randomUUID();
    const receiptPath = input.text("--receipt");
    const request = {
      ...{ campaignId, requestId },
      ...(userId === undefined ? {} : { userId }),
      ...(receiptPath === undefined ? {} : { receipt: true }),
    };
    if (await dryRun(session, input, { method: CouponService.method.issueCoupon, request })) return;
    const again = userId === undefined ? "" : ` --user ${printable(userId)}`;
    const answer = await call(session, (options) => session.coupons.issueCoupon(request, options), {
      again: "asking again with the same key",
      advice: `it may have been issued: run again with --request-id ${printable(requestId)}${again}`,
    }).catch(async (error: unknown) => {
      if (receiptPath !== undefined) await keepReceipt(session, error, receiptPath);
      throw userId === undefined && missesUser(error) ? userMissing(error) : error;
    });
    if (answer.coupon === undefined) throw new Error("the service answered without a coupon");
    const { credential } = settings.claim;
    // A token names its user.
    const isKnown = userId !== undefined || credential?.includes(".") === true;
    const key = isKnown ? await keyOf(session, campaignId, userId ?? "") : "request id";
    if (key === "request id" && userId !== undefined && input.text("--request-id") === undefined) {
      output.note(
        `the key is the request id, and not the user alone: another run with --user alone asks for another coupon; --request-id ${printable(requestId)} gets this one again`,
      );
    }
    if (output.json) {
      const shown = { ...Object(toJson(IssueCouponResponseSchema, answer, jsonOptions)), requestId };
      await output.write(`${JSON.stringify(shown)}\n`);
      return;
    }
    const facts = couponFacts(answer.coupon, settings.zone);
    if (answer.replayed) facts.push(["note", "this key had it already"]);
    facts.push(["request id", `${printable(requestId)}  (${keyWords[key]})`]);
    await output.write(`${output.style("bold", printable(answer.coupon.code))}\n${factLines(facts)}`);
  },
};

/** The claim key of the campaign. */
type Key = "user" | "request id" | "unknown";

const keyWords: Record<Key, string> = {
  user: "not kept: the key here is the user, who gets this coupon again",
  "request id": "the key: it gets this coupon again",
  unknown: "the key, unless the campaign is one-per-user: then it is the user",
};

/**
 * The campaign decides which key it uses: the service refuses a look-up by user where the request id is the
 * key. Never throws, because the coupon is issued already.
 */
async function keyOf({ coupons, signal }: Session, campaignId: string, userId: string): Promise<Key> {
  try {
    const { maxPerUser } = await coupons.getCampaignStatus(
      { campaignId },
      { signal, timeoutMs: keyTimeoutMs },
    );
    if (maxPerUser > 1) return "request id";
    await coupons.findCoupon({ campaignId, userId }, { signal, timeoutMs: keyTimeoutMs });
    return "user";
  } catch (error) {
    if (refusalOf(error)?.reason === RefusalReason.NO_COUPON) return "user";
    return isAboutField(error, "request_id") ? "request id" : "unknown";
  }
}

/** Only the campaign decides whether it is one-per-user, so the service reports the missing user. */
function missesUser(error: unknown): boolean {
  return isAboutField(error instanceof UncertainCall ? error.cause : error, "user_id");
}

function userMissing(cause: unknown): UserError {
  return new UserError("this campaign counts the coupons of each user, and no user is given", {
    hint: "give --user and who claims",
    cause,
  });
}
