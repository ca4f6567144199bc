import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Refusal, RefusalReason, RefusalSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import {
  codeFacts,
  type ExitCode,
  exitCodes,
  type KnownReason,
  knownReason,
  reasonExitCodes,
  reasonName,
} from "./exit-code.ts";
import { unreachableBecause } from "./reach.ts";
import { countdown, epochMsOf, instantText, printable } from "./render.ts";
import { UncertainCall, UserError } from "./user-error.ts";

/** What went wrong, ready to be shown: one line, and what to do next. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly reason?: string;
  readonly message: string;
  readonly hint: string;
  readonly serverMessage?: string;
  readonly startsAt?: string;
  readonly retryAfterMs?: number;
}

export interface FailureContext {
  readonly url: string;
  readonly zone: string;
  readonly interrupted: boolean;
}

interface Words {
  readonly message: string;
  readonly hint: string;
}

export function refusalOf(error: unknown): Refusal | undefined {
  return error instanceof ConnectError ? error.findDetails(RefusalSchema)[0] : undefined;
}

export function describeFailure(error: unknown, context: FailureContext): Failure {
  if (error instanceof UncertainCall) {
    const failure = describeFailure(error.cause, context);
    const unknownOutcome: ExitCode[] = [exitCodes.unavailable, exitCodes.interrupted];
    return unknownOutcome.includes(failure.exitCode) ? { ...failure, hint: error.advice } : failure;
  }
  if (context.interrupted) {
    return { exitCode: exitCodes.interrupted, code: "interrupted", message: "interrupted", hint: "" };
  }
  if (error instanceof UserError) {
    const { exitCode, message, hint } = error;
    return { exitCode, code: exitCode === exitCodes.usage ? "usage" : "failed", message, hint };
  }
  if (error instanceof ConnectError) return describeCall(error, context);
  return {
    exitCode: exitCodes.unexpected,
    code: "unexpected",
    message: `unexpected: ${printable(error instanceof Error ? error.message : String(error))}`,
    hint: "set COUPON_DEBUG=1 to see where",
  };
}

function describeCall(error: ConnectError, context: FailureContext): Failure {
  const unreachable = unreachableBecause(error);
  if (unreachable !== undefined) {
    const { message, hint } = unreachable.words(context.url);
    return { exitCode: exitCodes.unavailable, code: "unavailable", message, hint };
  }
  const { name, exitCode } = codeFacts[error.code];
  const serverMessage = printable(error.rawMessage);
  const refusal = refusalOf(error);
  const reason = refusal === undefined ? undefined : knownReason(refusal.reason);
  if (refusal === undefined || reason === undefined || reason === RefusalReason.UNSPECIFIED) {
    return { exitCode, code: name, ...codeWords(error.code, serverMessage, context.url), serverMessage };
  }
  const startsMs = epochMsOf(refusal.startsAt);
  return {
    exitCode: reasonExitCodes[reason] ?? exitCode,
    code: name,
    reason: reasonName(reason),
    ...reasonWords(reason, refusal, serverMessage, context.zone),
    serverMessage,
    ...(startsMs === undefined || refusal.startsAt === undefined
      ? {}
      : { startsAt: timestampDate(refusal.startsAt).toISOString() }),
    ...(refusal.retryAfterMs > 0n ? { retryAfterMs: Number(refusal.retryAfterMs) } : {}),
  };
}

function reasonWords(reason: KnownReason, refusal: Refusal, serverMessage: string, zone: string): Words {
  const words: Record<KnownReason, Words> = {
    [RefusalReason.UNSPECIFIED]: { message: serverMessage, hint: "" },
    [RefusalReason.NOT_STARTED]: {
      message: `not started${startText(refusal, zone)}`,
      hint: "ask again then; coupon status counts down",
    },
    [RefusalReason.ENDED]: { message: "the campaign has ended, nothing more is issued", hint: "" },
    [RefusalReason.CANCELLED]: { message: "the campaign was called off, nothing more is issued", hint: "" },
    [RefusalReason.PAUSED]: {
      message: "the campaign is held by an operator",
      hint: "ask again once it is resumed; coupon status shows",
    },
    [RefusalReason.NOT_READY]: {
      message: "the campaign's codes are still being made",
      hint: "coupon watch shows how far it is",
    },
    [RefusalReason.SOLD_OUT]: {
      message: "sold out, every coupon went to somebody",
      hint: "coupon find shows whether this key is among them",
    },
    [RefusalReason.UNKNOWN_CAMPAIGN]: {
      message: "there is no such campaign",
      hint: "coupon list shows them",
    },
    [RefusalReason.NO_COUPON]: {
      message: "no coupon matches",
      hint: "check the key, coupon issue claims one",
    },
    [RefusalReason.INVALID]: {
      message: `the service refused ${inFlags(serverMessage)}`,
      hint: serverMessage.startsWith("code_format: ")
        ? "coupon formats shows which fit"
        : "--help says what is allowed",
    },
    [RefusalReason.OVERLOADED]: {
      message: "the service is overloaded, nothing was tried",
      hint: "ask again with the same key",
    },
    [RefusalReason.UNCERTAIN]: {
      message: "a store did not answer, it may or may not have happened",
      hint: "ask again with the same key",
    },
    [RefusalReason.CONFLICT]: {
      message: `this request id was already used with other properties: ${serverMessage}`,
      hint: "give another --request-id, or the very same properties (a relative --start differs each time)",
    },
    [RefusalReason.NOT_ALLOWED]: {
      message: serverMessage,
      hint: "coupon history shows what was done with it; docs/life-cycle.md has the whole table",
    },
  };
  return words[reason];
}

/** The operator's name for each field that the service may complain about. */
const flagOfField: Readonly<Record<string, string>> = {
  campaign_id: "the campaign id",
  user_id: "--user",
  request_id: "--request-id",
  code: "--code",
  code_format: "--format",
  name: "--name",
  total: "--total",
  starts_at: "--start",
  ends_at: "--end",
  interval_ms: "--interval",
  page_token: "--page-token",
};

/** "starts_at: is before 1970" → "--start: is before 1970"; a field without a flag stays as it is. */
function inFlags(serverMessage: string): string {
  const [, field = "", rest = ""] = /^(\w+)(: .*)$/s.exec(serverMessage) ?? [];
  const flag = flagOfField[field];
  return flag === undefined ? `an argument: ${serverMessage}` : `${flag}${rest}`;
}

function startText(refusal: Refusal, zone: string): string {
  const startsMs = epochMsOf(refusal.startsAt);
  if (startsMs === undefined) return "";
  const serverMs = epochMsOf(refusal.serverTime);
  const left = serverMs === undefined ? "" : `, in ${countdown(startsMs - serverMs)}`;
  return `: opens at ${instantText(startsMs, zone)}${left}`;
}

function codeWords(code: Code, serverMessage: string, url: string): Words {
  const said = serverMessage === "" ? codeFacts[code].name : serverMessage;
  switch (code) {
    case Code.Unauthenticated:
      return { message: `not let in: ${said}`, hint: "give the operator token with COUPON_TOKEN or --token" };
    case Code.PermissionDenied:
      return { message: `not allowed: ${said}`, hint: "use a token that may do this" };
    case Code.DeadlineExceeded:
      return { message: `no answer from ${url} in time`, hint: "try again, or give more with --timeout" };
    case Code.Unimplemented:
      return { message: `${url} does not offer this: ${said}`, hint: "is --url the coupon service?" };
    case Code.Unavailable:
      return { message: `the service is unavailable: ${said}`, hint: "try again" };
    case Code.Aborted:
    case Code.Canceled:
      return { message: `the connection to ${url} broke: ${said}`, hint: "try again" };
    case Code.NotFound:
      return { message: said, hint: "coupon list shows the campaigns" };
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return { message: said, hint: "--help says what is allowed" };
    case Code.AlreadyExists:
    case Code.FailedPrecondition:
    case Code.ResourceExhausted:
      return { message: said, hint: "" };
    case Code.Unknown:
    case Code.Internal:
    case Code.DataLoss:
      return { message: `the service failed: ${said}`, hint: "its log says why" };
  }
}
