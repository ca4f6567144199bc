import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import type { Refusal } from "../../campaign/refusal.ts";
import type { Issue } from "../../claims/issue.ts";
import type { IssueCoupon, IssueRequest } from "../../claims/issue-coupon.ts";
import {
  CouponService,
  IssueCouponRequestSchema,
  IssueCouponResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { FastMethod } from "../http/fast-path.ts";
import type { Codec, PlainAnswer } from "../http/plain-call.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import { readIssueRequest, writeIssueResponse } from "./issue-json.ts";
import { RETRY_AFTER, toConnectErrorJson } from "./rpc-status.ts";
import type { TellTrouble } from "./trouble.ts";

export type IssueAnswersDeps = { issueCoupon: IssueCoupon; tellTrouble: TellTrouble; clock: Clock };

const METHOD = `${CouponService.typeName}/${CouponService.method.issueCoupon.name}`;
export const ISSUE_PATH = `/${METHOD}`;

/** IssueCoupon from body to answer, without the framework. */
export function createIssueAnswers({ issueCoupon, tellTrouble, clock }: IssueAnswersDeps): FastMethod {
  const refusals = createRefusalAnswers();

  function tell(codec: Codec, issue: Issue): PlainAnswer {
    if (issue.kind === "refused") return refusals(issue.refusal, clock.now());
    if (codec === "json") {
      return {
        status: 200,
        type: "application/json",
        body: writeIssueResponse(issue.coupon, issue.replayed),
      };
    }
    const message = create(IssueCouponResponseSchema, {
      coupon: viewCoupon(issue.coupon),
      replayed: issue.replayed,
    });
    return { status: 200, type: "application/proto", body: toBinary(IssueCouponResponseSchema, message) };
  }

  function tellOf(error: unknown): PlainAnswer {
    return errorAnswer(tellTrouble(error, METHOD));
  }

  return (codec, body, caller) => {
    const ask = codec === "json" ? readIssueRequest(body.toString("utf8")) : readBinary(body);
    if (ask === undefined) return undefined;
    try {
      const issue = issueCoupon(ask, caller);
      if (!(issue instanceof Promise)) return tell(codec, issue);
      return issue.then((done) => tell(codec, done)).catch(tellOf);
    } catch (error) {
      return tellOf(error);
    }
  };
}

function readBinary(body: Uint8Array): IssueRequest | undefined {
  try {
    return fromBinary(IssueCouponRequestSchema, body);
  } catch {
    return undefined;
  }
}

export function errorAnswer(error: ConnectError): PlainAnswer {
  const body = JSON.stringify(errorToJson(error, undefined));
  const retryAfter = error.metadata.get(RETRY_AFTER);
  const retryAfterS = retryAfter === null ? undefined : Number(retryAfter);
  return { status: codeToHttpStatus(error.code), type: "application/json", body, retryAfterS };
}

/** The parts in which two refusals of a reason may differ: every field that the answer is made of. */
function partsOf(refusal: Refusal): string {
  switch (refusal.reason) {
    case "NOT_STARTED":
      return `${refusal.startsAtMs} ${Math.ceil(refusal.waitMs)}`;
    case "INVALID":
      return `${refusal.field}:${refusal.allowed}`;
    case "CONFLICT":
      return refusal.what;
    case "NOT_ALLOWED":
      return `${refusal.verb} ${refusal.phase} ${refusal.allowed.join()} ${refusal.why ?? ""}`;
    case "NOT_READY":
      return String(refusal.adding);
    case "OVERLOADED":
      return `${refusal.retryAfterMs} ${refusal.why ?? ""}`;
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return refusal.why;
    case "RATE_LIMITED":
      return `${Math.ceil(refusal.retryAfterMs)} ${refusal.by}`;
    case "ENDED":
    case "CANCELLED":
    case "PAUSED":
    case "SOLD_OUT":
    case "UNKNOWN_CAMPAIGN":
    case "NO_COUPON":
    case "UNCERTAIN":
    case "DEADLINE_EXCEEDED":
      return "";
    default:
      return refusal satisfies never;
  }
}

/**
 * Thousands of refusals are sent in one millisecond, and equal ones are the same bytes: the last answer of
 * each reason is kept.
 */
export function createRefusalAnswers(): (refusal: Refusal, nowMs: number) => PlainAnswer {
  const kept = new Map<Refusal["reason"], { readonly telling: string; readonly answer: PlainAnswer }>();
  return (refusal, nowMs) => {
    const telling = `${nowMs} ${partsOf(refusal)}`;
    const last = kept.get(refusal.reason);
    if (last?.telling === telling) return last.answer;
    const { code, json, retryAfterS } = toConnectErrorJson(refusal, nowMs);
    const status = codeToHttpStatus(code);
    const answer: PlainAnswer = { status, type: "application/json", body: json, retryAfterS };
    kept.set(refusal.reason, { telling, answer });
    return answer;
  };
}
