import { toJson } from "@bufbuild/protobuf";
import { FindIssuanceResponseSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { FindCouponResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { couponFacts } from "../coupon-facts.ts";
import { exitCodes } from "../exit-code.ts";
import { isAboutField, refusalOf } from "../failure.ts";
import { jsonOptions } from "../json.ts";
import { factLines, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { firstSpelling, spellingDifference } from "../spellings.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const campaignId = input.optionalCampaignId;
    const userId = input.text("--user");
    const requestIds = [input.text("--request"), input.text("--request-id")].filter((id) => id !== undefined);
    const code = input.text("--code");
    const keys = [userId, code, ...requestIds].filter((key) => key !== undefined);
    if (keys.length !== 1) {
      throw new UserError("give exactly one of --user, --request and --code", {
        hint: "coupon find --help shows an example of each",
      });
    }
    if (code !== undefined) return findHolder(session, code, campaignId ?? "");
    if (campaignId === undefined) {
      throw new UserError("a user or a request id is looked up in one campaign, and none is given", {
        hint: "coupon list shows the campaign ids; only --code does without",
      });
    }
    const key: Key =
      userId === undefined
        ? { field: "requestId", given: requestIds[0] ?? "" }
        : { field: "userId", given: userId };
    await findCoupon(session, campaignId, key);
  },
};

/** The claim key that is looked up. */
interface Key {
  readonly field: "userId" | "requestId";
  readonly given: string;
}

async function findCoupon(session: Session, campaignId: string, { field, given }: Key): Promise<void> {
  const { output, settings } = session;
  const { answer, spelling } = await firstSpelling(given, isNoCoupon, (key) =>
    call(session, (options) => session.coupons.findCoupon({ campaignId, [field]: key }, options)),
  ).catch((error: unknown) => {
    if (isNoCoupon(error)) throw nothingWentTo({ field, given }, error);
    throw isOtherKey(error, field) ? otherKey(field, error) : error;
  });
  if (spelling !== given) {
    output.note(
      `not found as given; found as "${printable(spelling)}", ${spellingDifference(given, spelling)}`,
    );
  }
  const { coupon } = answer;
  if (coupon === undefined) throw new Error("the service answered without a coupon");
  if (output.json) {
    await output.write(`${JSON.stringify(toJson(FindCouponResponseSchema, answer, jsonOptions))}\n`);
    return;
  }
  const title = output.style("bold", printable(coupon.code));
  await output.write(`${title}\n${factLines(couponFacts(coupon, settings.zone))}`);
}

/** Finds the holder of a code, with the operators' service. */
async function findHolder(session: Session, code: string, campaignId: string): Promise<void> {
  const { output, settings } = session;
  const answer = await call(session, (options) =>
    session.campaigns.findIssuance({ code, campaignId }, options),
  ).catch((error: unknown) => {
    throw isNoCoupon(error) ? nobodyHas(campaignId, error) : error;
  });
  const { issuance, campaignName } = answer;
  const coupon = issuance?.coupon;
  if (issuance === undefined || coupon === undefined)
    throw new Error("the service answered without an issuance");
  if (output.json) {
    await output.write(`${JSON.stringify(toJson(FindIssuanceResponseSchema, answer, jsonOptions))}\n`);
    return;
  }
  const facts: [label: string, value: string][] = [["name", printable(campaignName)]];
  if (issuance.userId !== "") facts.push(["user", printable(issuance.userId)]);
  if (issuance.requestId !== "") facts.push(["request id", printable(issuance.requestId)]);
  const title = output.style("bold", printable(coupon.code));
  await output.write(`${title}\n${factLines([...couponFacts(coupon, settings.zone), ...facts])}`);
}

function isNoCoupon(error: unknown): boolean {
  return refusalOf(error)?.reason === RefusalReason.NO_COUPON;
}

function nothingWentTo({ field, given }: Key, cause: unknown): UserError {
  const who = field === "userId" ? "user" : "request id";
  return new UserError(`no coupon of this campaign went to the ${who} "${printable(given)}"`, {
    exitCode: exitCodes.notFound,
    hint: "coupon export lists who has one",
    cause,
  });
}

/** The campaign decides which key it uses: the service refuses a request without that key. */
function isOtherKey(error: unknown, field: Key["field"]): boolean {
  return isAboutField(error, field === "userId" ? "request_id" : "user_id");
}

function otherKey(field: Key["field"], cause: unknown): UserError {
  return field === "userId"
    ? new UserError("this campaign gives coupons by request id, not by user", {
        hint: "give --request and the request id that claimed; coupon export lists them with their users",
        cause,
      })
    : new UserError("this campaign gives one coupon per user, whatever the request id", {
        hint: "give --user and who claimed",
        cause,
      });
}

function nobodyHas(campaignId: string, cause: unknown): UserError {
  return new UserError(`this code was not issued${campaignId === "" ? "" : " of this campaign"}`, {
    exitCode: exitCodes.notFound,
    hint:
      campaignId === ""
        ? "read it again letter by letter; a code that is not issued yet is answered the same"
        : "leave the campaign id out to look in all campaigns",
    cause,
  });
}
