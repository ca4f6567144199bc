import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { allowedWords, type Phase, recordedAs } from "../../campaign/life-cycle.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  type Refusal as RefusalMessage,
  RefusalReason,
  RefusalSchema,
} from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { counted } from "../../runtime/counting.ts";

type RpcStatus = { readonly code: Code; readonly message: string; readonly retryAfterMs: number };

/** A short wait after which asking again makes sense when something is expected to change soon. */
const SOON_MS = 1_000;
const AT_ONCE_MS = 100;

/** The one place where a refusal becomes an RPC code and a message. */
function toRpcStatus(refusal: Refusal): RpcStatus {
  switch (refusal.reason) {
    case "NOT_STARTED":
      return {
        code: Code.FailedPrecondition,
        message: `the campaign opens at ${new Date(refusal.startsAtMs).toISOString()}`,
        retryAfterMs: refusal.waitMs,
      };
    case "ENDED":
      return { code: Code.FailedPrecondition, message: "the campaign has ended", retryAfterMs: 0 };
    case "CANCELLED":
      return { code: Code.FailedPrecondition, message: "the campaign was cancelled", retryAfterMs: 0 };
    case "PAUSED":
      return { code: Code.FailedPrecondition, message: "the campaign is paused", retryAfterMs: SOON_MS };
    case "NOT_READY":
      return {
        code: Code.FailedPrecondition,
        message:
          refusal.adding === undefined
            ? "the codes are still being made"
            : `the codes of ${counted(refusal.adding, "coupon")} are still being added`,
        retryAfterMs: SOON_MS,
      };
    case "SOLD_OUT":
      return { code: Code.FailedPrecondition, message: "all coupons are gone", retryAfterMs: 0 };
    case "UNKNOWN_CAMPAIGN":
      return { code: Code.NotFound, message: "campaign_id: there is no such campaign", retryAfterMs: 0 };
    case "NO_COUPON":
      return { code: Code.NotFound, message: "no coupon was issued for this look-up", retryAfterMs: 0 };
    case "INVALID":
      return { code: Code.InvalidArgument, message: `${refusal.field}: ${refusal.allowed}`, retryAfterMs: 0 };
    case "CONFLICT":
      return {
        code: Code.AlreadyExists,
        message: `request_id: it was used before for ${refusal.what}`,
        retryAfterMs: 0,
      };
    case "NOT_ALLOWED":
      return {
        code: Code.FailedPrecondition,
        message: `${refusal.verb} is not possible: the campaign ${PHASE_WORDS[refusal.phase]}${refusal.why === undefined ? "" : `, and ${refusal.why}`}; allowed now: ${allowedWords(refusal.phase, refusal.allowed)}`,
        retryAfterMs: 0,
      };
    case "OVERLOADED":
      return {
        code: Code.Unavailable,
        message: `${refusal.why ?? "this server cannot take more at the moment"}; nothing was tried, ask again with the same key`,
        retryAfterMs: refusal.retryAfterMs ?? SOON_MS,
      };
    case "UNCERTAIN":
      return {
        code: Code.Unavailable,
        message: "a store did not confirm this, it may or may not have happened; ask again with the same key",
        retryAfterMs: AT_ONCE_MS,
      };
    case "UNAUTHENTICATED":
      return { code: Code.Unauthenticated, message: refusal.why, retryAfterMs: 0 };
    case "PERMISSION_DENIED":
      return { code: Code.PermissionDenied, message: refusal.why, retryAfterMs: 0 };
    case "RATE_LIMITED":
      return {
        code: Code.ResourceExhausted,
        message: `too many requests ${refusal.by}; nothing was tried, ask again with the same key`,
        retryAfterMs: refusal.retryAfterMs,
      };
    default:
      return refusal satisfies never;
  }
}

/** What follows "the campaign" in a message. */
const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  GENERATING: "is still being made (GENERATING)",
  SCHEDULED: "has not opened yet (SCHEDULED)",
  OPEN: "has opened (OPEN)",
  PAUSED_BEFORE_OPENING: "is paused and has not opened yet (PAUSED)",
  PAUSED: "has opened and is paused (PAUSED)",
  SOLD_OUT: "is sold out (SOLD_OUT)",
  ENDED: "has ended (ENDED)",
  CANCELLED: "was cancelled (CANCELLED)",
};

/** The typed detail of a refusal. */
function detailOf(refusal: Refusal, retryAfterMs: number, serverNowMs: number): RefusalMessage {
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

/** The error a client gets: code, message, and the typed detail. */
export function toConnectError(refusal: Refusal, serverNowMs: number): ConnectError {
  const { code, message, retryAfterMs } = toRpcStatus(refusal);
  const detail = detailOf(refusal, retryAfterMs, serverNowMs);
  return new ConnectError(message, code, undefined, [{ desc: RefusalSchema, value: detail }]);
}

/**
 * What the framework writes for that error over the Connect protocol, without making an Error and its stack.
 */
export function toConnectErrorJson(
  refusal: Refusal,
  serverNowMs: number,
): { readonly code: Code; readonly json: string } {
  const { code, message, retryAfterMs } = toRpcStatus(refusal);
  const detail = detailOf(refusal, retryAfterMs, serverNowMs);
  const value = base64Encode(toBinary(RefusalSchema, detail), "std_raw");
  const details = [{ type: RefusalSchema.typeName, debug: toJson(RefusalSchema, detail), value }];
  return { code, json: JSON.stringify({ code: codeToString(code), message, details }) };
}
