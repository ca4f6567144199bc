import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Refusal, RefusalReason, RefusalSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { codeWords } from "./code-words.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import type { FailureContext } from "./failure-context.ts";
import { foreignAnswer } from "./foreign-answer.ts";
import { unreachableBecause, type Words } from "./reach.ts";
import { reasonWords } from "./refusal-words.ts";
import { epochMsOf, printable, stateName } from "./render.ts";
import { codeFacts, knownReason, reasonExitCodes, reasonName } from "./rpc-exit-code.ts";
import { UncertainCall, userErrorIn } from "./user-error.ts";

/** An error, ready to be shown: one line, and what to do next. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly reason?: string;
  readonly message: string;
  readonly hint: string;
  readonly serverMessage?: string;
  readonly startsAt?: string;
  readonly retryAfterMs?: number;
  /**
   * Where the state of the campaign does not allow the change: that state, and the verbs that it allows.
   */
  readonly state?: string;
  readonly allowed?: readonly string[];
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
    // An earlier try may have been carried out, although the last one was not.
    const message = failure.message.replace(/^nothing was tried: /, "the last try did nothing: ");
    return { ...failure, message, hint: error.advice };
  }
  if (context.interrupted) {
    return { exitCode: exitCodes.interrupted, code: "interrupted", message: "interrupted", hint: "" };
  }
  const own = userErrorIn(error);
  if (own !== undefined) {
    const { exitCode, message, hint, cause } = own;
    const code = userErrorCodes[exitCode] ?? "failed";
    // Where the error came from the service and the command only has a better message, its reason stays.
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
    // A reason of a newer server: its RPC code decides, and scripts get the reason's name.
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

/**
 * Adds the origin of the URL to an advice about it, where that is not a flag that the operator has just
 * typed.
 */
function withOrigin({ message, hint }: Words, { urlFrom = "default" }: FailureContext): Words {
  const from = ["default", "--url"].includes(urlFrom) ? "" : ` (this one is from ${printable(urlFrom)})`;
  return { message, hint: hint.includes("--url") ? hint + from : hint };
}
