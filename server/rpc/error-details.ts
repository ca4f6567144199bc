import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { recordedAs } from "../../campaign/life-cycle.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  file_coupon_v1_refusal,
  type Refusal as RefusalMessage,
  RefusalReason,
  RefusalSchema,
} from "../../proto/gen/coupon/v1/refusal_pb.ts";
import {
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../proto/gen/google/rpc/error_details_pb.ts";

/** A typed detail of an error. */
export type ErrorDetail = { readonly desc: DescMessage; readonly value: Message };

/** The package of the contract, whose reasons they are. */
export const DOMAIN = file_coupon_v1_refusal.proto.package;

/** Most reasons have one ErrorInfo, whatever the request. */
const errorInfos = new Map<Refusal["reason"], ErrorInfo>();

/**
 * The details of a refusal: our own, and those of google.rpc, which many clients and proxies know. They
 * repeat nothing that the caller sent but the name of a field.
 */
export function detailsOf(refusal: Refusal, retryAfterMs: number, serverNowMs: number): ErrorDetail[] {
  const details: ErrorDetail[] = [
    { desc: RefusalSchema, value: refusalOf(refusal, retryAfterMs, serverNowMs) },
    { desc: ErrorInfoSchema, value: errorInfoOf(refusal) },
  ];
  if (retryAfterMs > 0) {
    const retryDelay = durationFromMs(Math.ceil(retryAfterMs));
    details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
  }
  if (refusal.reason === "INVALID") {
    const description = refusal.allowed;
    const fieldViolations = refusal.field.split(", ").map((field) => ({ field, description }));
    details.push({ desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) });
  }
  return details;
}

function refusalOf(refusal: Refusal, retryAfterMs: number, serverNowMs: number): RefusalMessage {
  const detail = create(RefusalSchema, {
    reason: RefusalReason[refusal.reason],
    serverTime: timestampFromMs(serverNowMs),
    retryAfterMs: BigInt(Math.ceil(retryAfterMs)),
  });
  if (refusal.reason === "NOT_STARTED") detail.startsAt = timestampFromMs(refusal.startsAtMs);
  if (refusal.reason === "NOT_ALLOWED") {
    detail.state = CampaignState[recordedAs(refusal.phase)];
    detail.allowed = [...refusal.allowed];
  }
  return detail;
}

function errorInfoOf(refusal: Refusal): ErrorInfo {
  const { reason } = refusal;
  if (reason === "RATE_LIMITED")
    return create(ErrorInfoSchema, { reason, domain: DOMAIN, metadata: { limit: refusal.by } });
  const known = errorInfos.get(reason) ?? create(ErrorInfoSchema, { reason, domain: DOMAIN });
  errorInfos.set(reason, known);
  return known;
}
