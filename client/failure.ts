import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { enumName } from "../proto/enum-name.ts";
import type { Again } from "./ask-again.ts";
import { RefusalReasonSchema, RefusalSchema } from "./contract.ts";
import type { CommonOutcome } from "./outcome.ts";
import { isAskedAgain, standingOf } from "./policy.ts";

/** What a call that did not succeed said. */
export type Failure = {
  /** The reason of a refusal without prefix; undefined: an error that is no refusal. */
  readonly reason: string | undefined;
  /** Connect's code, such as `failed_precondition`. */
  readonly code: string;
  readonly message: string;
  readonly startsAt: Date | undefined;
  readonly retryAfterMs: number;
  /** True: another try may have another end. */
  readonly isAskedAgain: boolean;
};

/** Codes of an error without a refusal that another try does not mend. */
const FINAL_CODES: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.ResourceExhausted,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.Unauthenticated,
]);
/** Codes of a refusal with a reason that this version does not know, where another try may help. */
const PASSING_CODES: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Aborted,
]);

/** A page for maintenance names hours, whatever the launch behind it is about to do. */
const PROXY_WAIT_MOST_MS = 30_000;

/** Node's fetch says "fetch failed" alone, and why in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof TypeError && error.cause;
  return cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
}

export function failureOf(error: unknown): Failure {
  const failure = ConnectError.from(error);
  const code = (Code[failure.code] ?? "Unknown").replace(/\B[A-Z]/g, "_$&").toLowerCase();
  const message = failure.rawMessage + causeOf(error);
  const [refusal] = failure.findDetails(RefusalSchema);
  if (refusal === undefined || refusal.reason === 0) {
    // A proxy's, in whole seconds.
    const askedMs = (Number(failure.metadata.get("retry-after")) || 0) * 1_000;
    const retryAfterMs = Math.min(PROXY_WAIT_MOST_MS, Math.max(0, askedMs));
    const isAskedAgain = !FINAL_CODES.has(failure.code);
    return { reason: undefined, code, message, startsAt: undefined, retryAfterMs, isAskedAgain };
  }
  const reason = enumName(RefusalReasonSchema, refusal.reason);
  const standing = standingOf(reason);
  return {
    ...{ reason, code, message },
    startsAt: dateOf(refusal.startsAt),
    retryAfterMs: Math.max(0, Number(refusal.retryAfterMs)),
    isAskedAgain: standing === undefined ? PASSING_CODES.has(failure.code) : isAskedAgain(standing),
  };
}

export function againAfter({ isAskedAgain, retryAfterMs }: Failure): Again | undefined {
  return isAskedAgain ? { retryAfterMs, isPaced: false } : undefined;
}

export function commonOutcome({ reason, code, message, isAskedAgain }: Failure): CommonOutcome {
  if (isAskedAgain) return { kind: "unanswered", message };
  switch (reason) {
    case "UNKNOWN_CAMPAIGN":
      return { kind: "unknownCampaign", message };
    case "UNAUTHENTICATED":
      return { kind: "unauthenticated", message };
    case "PERMISSION_DENIED":
      return { kind: "permissionDenied", message };
    case "INVALID":
      return { kind: "invalid", message };
    case undefined:
      return { kind: "failed", code, message };
    default:
      return { kind: "refused", reason, message };
  }
}

export function dateOf(instant: Timestamp | undefined): Date | undefined {
  return instant === undefined ? undefined : timestampDate(instant);
}
