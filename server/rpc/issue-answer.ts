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
import { type Codec, type PlainAnswer, plainAnswer } from "../http/plain-call.ts";
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
  return plainAnswer({ status: codeToHttpStatus(error.code), type: "application/json", body, retryAfterS });
}

/** Whether two refusals have the same answer: each field that it is made of is compared. */
function isSame(one: Refusal, other: Refusal): boolean {
  switch (one.reason) {
    case "NOT_STARTED":
      return (
        other.reason === one.reason &&
        other.startsAtMs === one.startsAtMs &&
        Math.ceil(other.waitMs) === Math.ceil(one.waitMs)
      );
    case "CONFLICT":
      return other.reason === one.reason && other.what === one.what;
    case "NOT_READY":
      return other.reason === one.reason && other.adding === one.adding;
    case "OVERLOADED":
      return other.reason === one.reason && other.retryAfterMs === one.retryAfterMs && other.why === one.why;
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return other.reason === one.reason && other.why === one.why;
    case "RATE_LIMITED":
      return (
        other.reason === one.reason &&
        Math.ceil(other.retryAfterMs) === Math.ceil(one.retryAfterMs) &&
        other.by === one.by
      );
    case "INVALID":
      return other.reason === one.reason && other.field === one.field && other.allowed === one.allowed;
    // Of an operator's change, and so of no crowd.
    case "NOT_ALLOWED":
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

type Kept = { readonly refusal: Refusal; readonly nowMs: number; readonly answer: PlainAnswer };

/**
 * Thousands of refusals are sent in one millisecond, and equal ones are the same bytes: the last answer of
 * each reason is kept.
 */
export function createRefusalAnswers(): (refusal: Refusal, nowMs: number) => PlainAnswer {
  const kept = new Map<Refusal["reason"], Kept>();
  return (refusal, nowMs) => {
    const last = kept.get(refusal.reason);
    if (last?.nowMs === nowMs && isSame(refusal, last.refusal)) return last.answer;
    const { code, json, retryAfterS } = toConnectErrorJson(refusal, nowMs);
    const status = codeToHttpStatus(code);
    const answer = plainAnswer({ status, type: "application/json", body: json, retryAfterS });
    kept.set(refusal.reason, { refusal, nowMs, answer });
    return answer;
  };
}
