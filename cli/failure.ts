import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Refusal, RefusalReason, RefusalSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { foreignAnswer } from "./foreign-answer.ts";
import { unreachableBecause, type Words } from "./reach.ts";
import { countdown, epochMsOf, instantText, printable, stateName } from "./render.ts";
import { codeFacts, type KnownReason, knownReason, reasonExitCodes, reasonName } from "./rpc-exit-code.ts";
import { inFlags, withInstants } from "./server-words.ts";
import { tooShortHint } from "./short-id.ts";
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
  /** Where the state of the campaign does not allow what was asked: that state, and the verbs that it allows. */
  readonly state?: string;
  readonly allowed?: readonly string[];
}

export interface FailureContext {
  readonly url: string;
  readonly zone: string;
  readonly interrupted: boolean;
  /** Undefined: the arguments were not understood. */
  readonly verb?: string;
  /** As given; undefined: the verb was given none. */
  readonly campaignId?: string | undefined;
  /** Where the URL comes from: "--url", "COUPON_URL", "profile local", "default". */
  readonly urlFrom?: string;
  /** Where the token that was sent comes from; undefined: none was sent. */
  readonly tokenFrom?: string | undefined;
}

const userErrorCodes: Partial<Record<ExitCode, string>> = {
  [exitCodes.usage]: "usage",
  [exitCodes.notConfirmed]: "not_confirmed",
  [exitCodes.interrupted]: "interrupted",
};

export function refusalOf(error: unknown): Refusal | undefined {
  return error instanceof ConnectError ? error.findDetails(RefusalSchema)[0] : undefined;
}

/** True: the service refused this field of the request. */
export function isAboutField(error: unknown, field: string): boolean {
  return (
    error instanceof ConnectError &&
    refusalOf(error)?.reason === RefusalReason.INVALID &&
    error.rawMessage.startsWith(`${field}: `)
  );
}

export function describeFailure(error: unknown, context: FailureContext): Failure {
  const failure = describe(error, context);
  const help = `coupon ${context.verb === undefined ? "" : `${context.verb} `}--help`;
  return { ...failure, hint: failure.hint.replace(/^--help\b/, help) };
}

function describe(error: unknown, context: FailureContext): Failure {
  if (error instanceof UncertainCall) {
    const failure = describeFailure(error.cause, context);
    const unknownOutcome: ExitCode[] = [exitCodes.unavailable, exitCodes.interrupted];
    if (!unknownOutcome.includes(failure.exitCode)) return failure;
    // The last try is not the only one: an earlier one may have been done all the same.
    const message = failure.message.replace(/^nothing was tried: /, "the last try did nothing: ");
    return { ...failure, message, hint: error.advice };
  }
  if (context.interrupted) {
    return { exitCode: exitCodes.interrupted, code: "interrupted", message: "interrupted", hint: "" };
  }
  if (error instanceof UserError) {
    const { exitCode, message, hint, cause } = error;
    const code = userErrorCodes[exitCode] ?? "failed";
    // Where the service said it and the command only has better words, its reason stays with it.
    return {
      code,
      ...(cause instanceof ConnectError ? describeCall(cause, context) : {}),
      exitCode,
      message,
      hint,
    };
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
    const words = withOrigin(unreachable.words(context.url), context);
    return { exitCode: exitCodes.unavailable, code: "unavailable", ...words };
  }
  const foreign = refusalOf(error) === undefined ? foreignAnswer(error, context.url) : undefined;
  if (foreign !== undefined) {
    const { exitCode, ...words } = foreign;
    const { name: code } = codeFacts[error.code];
    return { exitCode, code, ...withOrigin(words, context), serverMessage: printable(error.rawMessage) };
  }
  const path = URL.canParse(context.url) ? new URL(context.url).pathname : "/";
  if (error.code === Code.Unimplemented && refusalOf(error) === undefined && path !== "/") {
    const message = `the coupon service is not at ${context.url}`;
    return { exitCode: exitCodes.usage, code: "usage", message, hint: `leave ${path} out of the URL` };
  }
  const { name, exitCode } = codeFacts[error.code];
  const serverMessage = printable(error.rawMessage);
  const refusal = refusalOf(error);
  const reason = refusal === undefined ? undefined : knownReason(refusal.reason);
  if (refusal === undefined || reason === undefined || reason === RefusalReason.UNSPECIFIED) {
    // Of a newer server: its code decides, and scripts are told which it is.
    const told = refusal === undefined || reason !== undefined ? {} : { reason: reasonName(refusal.reason) };
    return { exitCode, code: name, ...told, ...codeWords(error.code, serverMessage, context), serverMessage };
  }
  const startsMs = epochMsOf(refusal.startsAt);
  return {
    exitCode: reasonExitCodes[reason] ?? exitCode,
    code: name,
    reason: reasonName(reason),
    ...reasonWords(reason, refusal, serverMessage, context),
    serverMessage,
    ...(startsMs === undefined || refusal.startsAt === undefined
      ? {}
      : { startsAt: timestampDate(refusal.startsAt).toISOString() }),
    ...(refusal.retryAfterMs > 0n ? { retryAfterMs: Number(refusal.retryAfterMs) } : {}),
    ...(reason === RefusalReason.NOT_ALLOWED
      ? { state: stateName(refusal.state), allowed: refusal.allowed.map(printable) }
      : {}),
  };
}

/** Says where the URL comes from that the advice is about, where that is not what the operator has just typed. */
function withOrigin({ message, hint }: Words, { urlFrom = "default" }: FailureContext): Words {
  const from = ["default", "--url"].includes(urlFrom) ? "" : ` (this one is from ${printable(urlFrom)})`;
  return { message, hint: hint.includes("--url") ? hint + from : hint };
}

function reasonWords(
  reason: KnownReason,
  refusal: Refusal,
  serverMessage: string,
  { zone, campaignId, url, verb }: FailureContext,
): Words {
  const words: Record<KnownReason, Words> = {
    [RefusalReason.UNSPECIFIED]: { message: serverMessage, hint: "" },
    [RefusalReason.NOT_STARTED]: {
      message: `not started${startText(refusal, zone)}`,
      hint: "ask again then; coupon status counts down",
    },
    [RefusalReason.ENDED]: { message: "the campaign has ended, nothing more is issued", hint: holders },
    [RefusalReason.CANCELLED]: {
      message: "the campaign was called off, nothing more is issued",
      hint: holders,
    },
    [RefusalReason.PAUSED]: {
      message: "the campaign is held by an operator",
      hint: "ask again once it is resumed; coupon status shows",
    },
    [RefusalReason.NOT_READY]: {
      message: `not ready yet: ${serverMessage}`,
      hint: "coupon watch shows how far it is; try again then",
    },
    [RefusalReason.SOLD_OUT]: {
      message: "sold out, every coupon went to somebody",
      hint: holders,
    },
    [RefusalReason.UNKNOWN_CAMPAIGN]: {
      message: `there is no ${campaignId === undefined ? "such campaign" : `campaign ${printable(campaignId)}`} at ${url}`,
      hint:
        tooShortHint(campaignId) ??
        "coupon list shows those that there are, coupon config which service is asked",
    },
    [RefusalReason.NO_COUPON]: {
      message: "no coupon matches",
      hint: "check the key, coupon issue claims one",
    },
    [RefusalReason.INVALID]: {
      message: `the service refused ${withInstants(inFlags(serverMessage, verb), zone)}`,
      hint:
        (serverMessage.startsWith("campaign_id: ") ? tooShortHint(campaignId) : undefined) ??
        invalidHint(serverMessage, verb),
    },
    [RefusalReason.OVERLOADED]: {
      message: overloadedWords(serverMessage),
      hint: "ask again with the same key",
    },
    [RefusalReason.UNCERTAIN]: {
      message: "a store did not confirm it, it may or may not have happened",
      hint: "ask again with the same key",
    },
    [RefusalReason.CONFLICT]: {
      message: `this request id was already used with other properties: ${serverMessage}`,
      hint: "give another --request-id, or the very same properties (a relative --start or --end differs each time)",
    },
    [RefusalReason.NOT_ALLOWED]: {
      message: serverMessage,
      hint: "coupon history shows what was done with it; docs/life-cycle.md has the whole table",
    },
  };
  return words[reason];
}

/** What helps with a field that the service refused. */
function invalidHint(serverMessage: string, verb: string | undefined): string {
  if (serverMessage.startsWith("code_format: ")) return "coupon formats shows which fit";
  if (verb === "edit" && serverMessage.startsWith("ends_at: has passed")) {
    return "coupon end ends a campaign that has opened, at once";
  }
  if (serverMessage.startsWith("ends_at: must be after starts_at")) {
    return verb === "edit"
      ? "give an end after the start, or --no-end where there is to be none; coupon reschedule moves the start"
      : "give the end too, as in --end start+2h, or --no-end where there is to be none";
  }
  return "--help says what is allowed";
}

const holders = "coupon find shows whether a key has one";
const nothingTried = /^(?<why>.*); nothing was tried, ask again with the same key$/s;

/** What stood in the way, where the service says more than that much waits. */
function overloadedWords(serverMessage: string): string {
  const why = nothingTried.exec(serverMessage)?.groups?.["why"];
  return why === undefined ? "the service is overloaded, nothing was tried" : `nothing was tried: ${why}`;
}

function startText(refusal: Refusal, zone: string): string {
  const startsMs = epochMsOf(refusal.startsAt);
  if (startsMs === undefined) return "";
  const serverMs = epochMsOf(refusal.serverTime);
  const left = serverMs === undefined ? "" : `, in ${countdown(startsMs - serverMs)}`;
  return `: opens at ${instantText(startsMs, zone)}${left}`;
}

/** Nobody learns of a secret here, only whether one was sent and where it was found. */
function unauthenticatedHint(tokenFrom: string | undefined): string {
  return tokenFrom === undefined
    ? "give the operator token with COUPON_TOKEN, --token or the config file"
    : `the token of ${printable(tokenFrom)} was sent and is not that of the service; give the right one`;
}

function codeWords(code: Code, serverMessage: string, { url, tokenFrom }: FailureContext): Words {
  const said = serverMessage === "" ? codeFacts[code].name : serverMessage;
  switch (code) {
    case Code.Unauthenticated:
      return { message: `not let in: ${said}`, hint: unauthenticatedHint(tokenFrom) };
    case Code.PermissionDenied:
      return { message: `not allowed: ${said}`, hint: "use a token that may do this" };
    case Code.DeadlineExceeded:
      return { message: `no answer from ${url} in time`, hint: "try again, or give more with --timeout" };
    case Code.Unimplemented:
      return {
        message: `${url} does not offer this: ${said}`,
        hint: "is --url the coupon service, and no older than this command?",
      };
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
    case Code.DataLoss:
      return {
        message: `stored data is damaged: ${said}`,
        hint: "mend or remove that document; coupon verify names what else is wrong",
      };
    case Code.Unknown:
    case Code.Internal:
      return { message: `the service failed: ${said}`, hint: "its log says why" };
  }
}
