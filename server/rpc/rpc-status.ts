import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { allowedWords, type Phase } from "../../campaign/life-cycle.ts";
import type { LimitName, Refusal } from "../../campaign/refusal.ts";
import { counted } from "../../runtime/counting.ts";
import { wellFormed } from "../../runtime/well-formed.ts";
import { detailsOf } from "./error-details.ts";
import { detailsWriter } from "./error-details-json.ts";
import { redemptionWords } from "./redemption-words.ts";

type RpcStatus = { readonly code: Code; readonly message: string };

/** A short wait after which asking again makes sense when something is expected to change soon. */
const SOON_MS = 1_000;
const AT_ONCE_MS = 100;
/** The header of RFC 9110, section 10.2.3. */
export const RETRY_AFTER = "retry-after";

/** The one place where a refusal becomes an RPC code and a message. */
function toRpcStatus(refusal: Refusal): RpcStatus {
  switch (refusal.reason) {
    case "NOT_STARTED":
      return {
        code: Code.FailedPrecondition,
        message: `the campaign opens at ${new Date(refusal.startsAtMs).toISOString()}`,
      };
    case "ENDED":
      return { code: Code.FailedPrecondition, message: "the campaign has ended" };
    case "CANCELLED":
      return { code: Code.FailedPrecondition, message: "the campaign was cancelled" };
    case "PAUSED":
      return { code: Code.FailedPrecondition, message: "the campaign is paused" };
    case "NOT_READY":
      return {
        code: Code.FailedPrecondition,
        message:
          refusal.adding === undefined
            ? "the codes are still being made"
            : `the codes of ${counted(refusal.adding, "coupon")} are still being added`,
      };
    case "SOLD_OUT":
      return { code: Code.FailedPrecondition, message: "all coupons are gone" };
    case "MAX_PER_USER":
      return {
        code: Code.FailedPrecondition,
        message: `the campaign gives each user ${counted(refusal.most, "coupon")}, and this user has them`,
      };
    case "UNKNOWN_CAMPAIGN":
      return { code: Code.NotFound, message: "campaign_id: there is no such campaign" };
    case "NO_COUPON":
      return { code: Code.NotFound, message: "no coupon was issued for this look-up" };
    case "NOT_VALID_YET":
    case "VALIDITY_OVER":
    case "VOIDED":
    case "RESERVED":
    case "REDEEMED":
    case "NO_RESERVATION":
    case "RESERVATION_OVER":
      return { code: Code.FailedPrecondition, message: redemptionWords(refusal) };
    case "UNKNOWN_SINK":
      return { code: Code.NotFound, message: `name: there is no sink ${refusal.name}` };
    case "SINK_EXISTS":
      return {
        code: Code.AlreadyExists,
        message: `name: there is a sink ${refusal.name} with other settings; UpdateSink changes it`,
      };
    case "TOO_MANY_SINKS":
      return {
        code: Code.FailedPrecondition,
        message: `there are ${refusal.most} sinks, and there may be no more: remove one first`,
      };
    case "INVALID":
      return { code: Code.InvalidArgument, message: `${refusal.field}: ${refusal.allowed}` };
    case "CONFLICT":
      return {
        code: Code.AlreadyExists,
        message: `request_id: it was used before for ${refusal.what}`,
      };
    case "NOT_ALLOWED":
      return {
        code: Code.FailedPrecondition,
        message: `${refusal.verb} is not possible: the campaign ${PHASE_WORDS[refusal.phase]}${refusal.why === undefined ? "" : `, and ${refusal.why}`}; allowed now: ${allowedWords(refusal.phase, refusal.allowed)}`,
      };
    case "OVERLOADED":
      return {
        code: Code.Unavailable,
        message: `${refusal.why ?? "this server cannot take more at the moment"}; nothing was tried, ask again with the same key`,
      };
    case "UNCERTAIN":
      return {
        code: Code.Unavailable,
        message: "a store did not confirm this, it may or may not have happened; ask again with the same key",
      };
    case "DEADLINE_EXCEEDED":
      return {
        code: Code.DeadlineExceeded,
        message:
          "the deadline of the request passed before anything was tried; ask again with the same key and a later one",
      };
    case "UNAUTHENTICATED":
      return { code: Code.Unauthenticated, message: refusal.why };
    case "PERMISSION_DENIED":
      return { code: Code.PermissionDenied, message: refusal.why };
    case "RATE_LIMITED":
      return {
        code: Code.ResourceExhausted,
        message:
          refusal.by === "attempts"
            ? "too many requests with a wrong credential from this address; nothing was tried"
            : `too many requests ${LIMIT_WORDS[refusal.by]}; nothing was tried, and a coupon that was issued is kept: ask again with the same key`,
      };
    default:
      return refusal satisfies never;
  }
}

/** After how many milliseconds asking again makes sense; 0: it does not help. */
export function retryAfterMsOf(refusal: Refusal): number {
  switch (refusal.reason) {
    case "NOT_STARTED":
      return refusal.waitMs;
    case "PAUSED":
    case "NOT_READY":
      return SOON_MS + (refusal.partMs ?? 0);
    case "OVERLOADED":
      return refusal.retryAfterMs ?? SOON_MS;
    case "UNCERTAIN":
      return AT_ONCE_MS;
    case "RATE_LIMITED":
    case "RESERVED":
      return refusal.retryAfterMs;
    default:
      return 0;
  }
}

/** What follows "too many requests" in a message. */
const LIMIT_WORDS: Readonly<Record<LimitName, string>> = {
  user: "of this user",
  address: "from this address",
  key: "with this key",
};

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

/** Whole seconds of the header Retry-After, rounded up; undefined: asking again does not help. */
function retryAfterSOf(retryAfterMs: number): number | undefined {
  return retryAfterMs > 0 ? Math.ceil(retryAfterMs / 1_000) : undefined;
}

/** The error a client gets: code, message, typed details, and Retry-After where asking again makes sense. */
export function toConnectError(refusal: Refusal, serverNowMs: number): ConnectError {
  const { code, message } = toRpcStatus(refusal);
  const retryAfterMs = retryAfterMsOf(refusal);
  const retryAfterS = retryAfterSOf(retryAfterMs);
  const headers = retryAfterS === undefined ? undefined : { [RETRY_AFTER]: String(retryAfterS) };
  // Some of our messages repeat what a caller or a hook wrote.
  return new ConnectError(wellFormed(message), code, headers, detailsOf(refusal, retryAfterMs, serverNowMs));
}

/** `retryAfterS`: the value of the header Retry-After. */
export type ErrorJson = {
  readonly code: Code;
  readonly json: string;
  readonly retryAfterS: number | undefined;
};

/**
 * What the framework writes for that error over the Connect protocol, without making an Error and its stack.
 */
export function toConnectErrorJson(refusal: Refusal, serverNowMs: number): ErrorJson {
  return connectErrorWriter(refusal, serverNowMs)(refusal);
}

/**
 * The same for all refusals of this millisecond that differ from this one in `retry_after_ms` alone: callers
 * that wait for a start are each told a time of their own.
 */
export function connectErrorWriter(refusal: Refusal, serverNowMs: number): (one: Refusal) => ErrorJson {
  const { code, message } = toRpcStatus(refusal);
  const head = `{"code":"${codeToString(code)}","message":${JSON.stringify(message)},"details":[`;
  const details = detailsWriter(refusal, serverNowMs);
  return (one) => {
    const retryAfterMs = retryAfterMsOf(one);
    return { code, json: `${head}${details(retryAfterMs)}]}`, retryAfterS: retryAfterSOf(retryAfterMs) };
  };
}
