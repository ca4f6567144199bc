import { fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { type CountLookUp, rateLimited } from "../../access/limits.ts";
import {
  CouponService,
  GetCampaignStatusRequestSchema,
  GetCampaignStatusResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { FastMethod } from "../http/fast-path.ts";
import { type Codec, type PlainAnswer, plainAnswer } from "../http/plain-call.ts";
import type { CampaignStatus, GetCampaignStatus } from "./campaign-status.ts";
import { createRefusalAnswers, errorAnswer } from "./issue-answer.ts";
import type { TellTrouble } from "./trouble.ts";

const METHOD = `${CouponService.typeName}/${CouponService.method.getCampaignStatus.name}`;
export const STATUS_PATH = `/${METHOD}`;

/**
 * Nothing but the id, in either spelling of its field, and JSON's white space. Source: RFC 8259, section 2.
 */
const PLAIN =
  /^[ \t\r\n]*\{[ \t\r\n]*"campaign(?:Id|_id)"[ \t\r\n]*:[ \t\r\n]*"([0-9A-Za-z]*)"[ \t\r\n]*\}[ \t\r\n]*$/;
const KEPT_MAX = 1_000;

export type StatusAnswersDeps = {
  campaignStatus: GetCampaignStatus;
  /** undefined: look-ups are not limited. */
  countLookUp?: CountLookUp | undefined;
  tellTrouble: TellTrouble;
  clock: Clock;
};

/** GetCampaignStatus from body to answer, without the framework. */
export function createStatusAnswers(deps: StatusAnswersDeps): FastMethod {
  const { campaignStatus, countLookUp, tellTrouble, clock } = deps;
  const refusals = createRefusalAnswers();
  /** By codec and campaign: callers that ask in the same millisecond get the same bytes. */
  const kept = new Map<string, { readonly atMs: number; readonly answer: PlainAnswer }>();

  function tell(codec: Codec, given: CampaignStatus): PlainAnswer {
    if (given.kind === "refused") return refusals(given.refusal, clock.now());
    const { status } = given;
    return codec === "proto"
      ? plainAnswer({
          status: 200,
          type: "application/proto",
          body: toBinary(GetCampaignStatusResponseSchema, status),
        })
      : plainAnswer({
          status: 200,
          type: "application/json",
          body: toJsonString(GetCampaignStatusResponseSchema, status),
        });
  }

  function answerAt(codec: Codec, campaignId: string): PlainAnswer | Promise<PlainAnswer> {
    const given = campaignStatus(campaignId);
    return given instanceof Promise ? given.then((told) => tell(codec, told)) : tell(codec, given);
  }

  function answer(codec: Codec, campaignId: string): PlainAnswer | Promise<PlainAnswer> {
    const atMs = clock.now();
    const key = `${codec} ${campaignId}`;
    const last = kept.get(key);
    if (last?.atMs === atMs) return last.answer;
    const told = answerAt(codec, campaignId);
    if (told instanceof Promise)
      return told.catch((error: unknown) => errorAnswer(tellTrouble(error, METHOD)));
    if (told.status === 200) {
      if (kept.size >= KEPT_MAX) kept.clear();
      // The clock may have moved on meanwhile: then the bytes are of the later millisecond, and no other
      // caller gets them.
      if (clock.now() === atMs) kept.set(key, { atMs, answer: told });
    }
    return told;
  }

  return (codec, body, caller) => {
    const campaignId = codec === "json" ? readJson(body) : readBinary(body);
    if (campaignId === undefined) return undefined;
    const over = countLookUp?.(caller.address);
    return over === undefined ? answer(codec, campaignId) : refusals(rateLimited(over), clock.now());
  };
}

/** undefined: an unusual body, which the framework reads or refuses. */
function readJson(body: Buffer): string | undefined {
  return PLAIN.exec(body.toString("latin1"))?.[1];
}

function readBinary(body: Uint8Array): string | undefined {
  try {
    return fromBinary(GetCampaignStatusRequestSchema, body).campaignId;
  } catch {
    return undefined;
  }
}
