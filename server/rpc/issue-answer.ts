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
import type { CallTrace } from "../http/call-traces.ts";
import type { FastMethod } from "../http/fast-path.ts";
import { type Codec, type PlainAnswer, plainAnswer } from "../http/plain-call.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import { readIssueRequest, writeIssueResponse } from "./issue-json.ts";
import { connectErrorWriter, type ErrorJson, RETRY_AFTER, retryAfterMsOf } from "./rpc-status.ts";
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
      const body = writeIssueResponse(issue.coupon, issue.replayed);
      return plainAnswer({ status: 200, type: "application/json", body });
    }
    const message = create(IssueCouponResponseSchema, {
      coupon: viewCoupon(issue.coupon),
      replayed: issue.replayed,
    });
    const body = toBinary(IssueCouponResponseSchema, message);
    return plainAnswer({ status: 200, type: "application/proto", body });
  }

  function tellOf(error: unknown, caller: CallTrace): PlainAnswer {
    return errorAnswer(tellTrouble(error, METHOD, caller));
  }

  return (codec, body, caller) => {
    const ask = codec === "json" ? readIssueRequest(body.toString("utf8")) : readBinary(body);
    if (ask === undefined) return undefined;
    try {
      const issue = issueCoupon(ask, caller);
      if (!(issue instanceof Promise)) return tell(codec, issue);
      return issue.then((done) => tell(codec, done)).catch((error: unknown) => tellOf(error, caller));
    } catch (error) {
      return tellOf(error, caller);
    }
  };
}

/** undefined: an unusual request, which the framework answers. */
function readBinary(body: Uint8Array): IssueRequest | undefined {
  try {
    const request = fromBinary(IssueCouponRequestSchema, body);
    // The framework signs receipts: whoever asks for none pays nothing for them.
    return request.receipt ? undefined : request;
  } catch {
    return undefined;
  }
}

export function errorAnswer(error: ConnectError): PlainAnswer {
  const body = JSON.stringify(errorToJson(error, undefined));
  const retryAfter = error.metadata.get(RETRY_AFTER);
  const retryAfterS = retryAfter === null ? undefined : Number(retryAfter);
  const { code } = error;
  return plainAnswer({ status: codeToHttpStatus(code), code, type: "application/json", body, retryAfterS });
}

/**
 * Whether two refusals have the same answer but for their `retry_after_ms`: each field that it is made of is
 * compared.
 */
function isSame(one: Refusal, other: Refusal): boolean {
  switch (one.reason) {
    case "NOT_STARTED":
      return other.reason === one.reason && other.startsAtMs === one.startsAtMs;
    case "MAX_PER_USER":
      return other.reason === one.reason && other.most === one.most;
    case "CONFLICT":
      return other.reason === one.reason && other.what === one.what;
    case "NOT_READY":
      return other.reason === one.reason && other.adding === one.adding;
    case "OVERLOADED":
      return other.reason === one.reason && other.why === one.why;
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return other.reason === one.reason && other.why === one.why;
    case "RATE_LIMITED":
      return other.reason === one.reason && other.by === one.by;
    case "INVALID":
      return other.reason === one.reason && other.field === one.field && other.allowed === one.allowed;
    // Of operators, and so of no crowd.
    case "NOT_ALLOWED":
    case "UNKNOWN_SINK":
    case "SINK_EXISTS":
    case "TOO_MANY_SINKS":
    case "NOT_VALID_YET":
    case "VALIDITY_OVER":
    case "VOIDED":
    case "RESERVED":
    case "REDEEMED":
    case "NO_RESERVATION":
    case "RESERVATION_OVER":
      return false;
    case "ENDED":
    case "CANCELLED":
    case "PAUSED":
    case "SOLD_OUT":
    case "UNKNOWN_CAMPAIGN":
    case "NO_COUPON":
    case "UNCERTAIN":
    case "DEADLINE_EXCEEDED":
      return other.reason === one.reason;
    default:
      return one satisfies never;
  }
}

type Kept = {
  readonly refusal: Refusal;
  readonly nowMs: number;
  readonly write: (one: Refusal) => ErrorJson;
  /** The last answer, and its `retry_after_ms`. */
  retryMs: number;
  answer: PlainAnswer;
};

/**
 * Thousands of refusals are sent in one millisecond, and equal ones are the same bytes: the last answer of
 * each reason is kept, and those that differ in the time to wait share the rest.
 */
export function createRefusalAnswers(): (refusal: Refusal, nowMs: number) => PlainAnswer {
  const kept = new Map<Refusal["reason"], Kept>();

  function answerOf(write: Kept["write"], refusal: Refusal, isAscii: boolean): PlainAnswer {
    const { code, json: body, retryAfterS } = write(refusal);
    const status = codeToHttpStatus(code);
    return plainAnswer({ status, code, type: "application/json", body, isAscii, retryAfterS });
  }

  return (refusal, nowMs) => {
    const retryMs = Math.ceil(retryAfterMsOf(refusal));
    const last = kept.get(refusal.reason);
    if (last?.nowMs === nowMs && isSame(refusal, last.refusal)) {
      if (last.retryMs !== retryMs) {
        last.retryMs = retryMs;
        // It differs in digits alone.
        last.answer = answerOf(last.write, refusal, last.answer.encoding === "latin1");
      }
      return last.answer;
    }
    const write = connectErrorWriter(refusal, nowMs);
    const answer = answerOf(write, refusal, false);
    kept.set(refusal.reason, { refusal, nowMs, write, retryMs, answer });
    return answer;
  };
}
