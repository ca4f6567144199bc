import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CouponService,
  FindCouponRequestSchema,
  FindCouponResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CallTrace } from "../http/call-traces.ts";
import type { FastMethod } from "../http/fast-path.ts";
import { type Codec, type PlainAnswer, plainAnswer } from "../http/plain-call.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import type { Find, FindCoupon } from "./find-coupon.ts";
import type { FindRequest } from "./find-keys.ts";
import { createRefusalAnswers, errorAnswer } from "./issue-answer.ts";
import { writeIssueResponse } from "./issue-json.ts";
import { createReadTexts } from "./plain-texts.ts";
import type { TellTrouble } from "./trouble.ts";

export type FindAnswersDeps = { findCoupon: FindCoupon; tellTrouble: TellTrouble; clock: Clock };

const METHOD = `${CouponService.typeName}/${CouponService.method.findCoupon.name}`;
export const FIND_PATH = `/${METHOD}`;

/** FindCoupon from body to answer, without the framework. */
export function createFindAnswers({ findCoupon, tellTrouble, clock }: FindAnswersDeps): FastMethod {
  const refusals = createRefusalAnswers();

  function tell(codec: Codec, find: Find): PlainAnswer {
    if (find.kind === "refused") return refusals(find.refusal, clock.now());
    const { coupon } = find;
    if (codec === "json")
      return plainAnswer({ status: 200, type: "application/json", body: writeIssueResponse(coupon, false) });
    const message = create(FindCouponResponseSchema, { coupon: viewCoupon(coupon) });
    const body = toBinary(FindCouponResponseSchema, message);
    return plainAnswer({ status: 200, type: "application/proto", body });
  }

  function tellOf(error: unknown, caller: CallTrace): PlainAnswer {
    return errorAnswer(tellTrouble(error, METHOD, caller));
  }

  return (codec, body, caller) => {
    const ask = codec === "json" ? readJson(body.toString("utf8")) : readBinary(body);
    if (ask === undefined) return undefined;
    try {
      const find = findCoupon(ask, caller);
      if (!(find instanceof Promise)) return tell(codec, find);
      return find.then((done) => tell(codec, done)).catch((error: unknown) => tellOf(error, caller));
    } catch (error) {
      return tellOf(error, caller);
    }
  };
}

const readTexts = createReadTexts(["campaign_id", "user_id", "request_id", "code"]);

/** undefined: an unusual body, which the framework reads or refuses. */
function readJson(json: string): FindRequest | undefined {
  const texts = readTexts(json);
  if (texts === undefined) return undefined;
  const [campaignId = "", userId = "", requestId = "", code = ""] = texts;
  return { campaignId, userId, requestId, code };
}

function readBinary(body: Uint8Array): FindRequest | undefined {
  try {
    return fromBinary(FindCouponRequestSchema, body);
  } catch {
    return undefined;
  }
}
