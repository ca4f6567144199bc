import { Code } from "@connectrpc/connect";
import { enumName } from "../proto/enum-name.ts";
import { RefusalReason, RefusalReasonSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";

export type KnownReason = (typeof RefusalReason)[keyof typeof RefusalReason];

interface CodeFacts {
  readonly name: string;
  readonly exitCode: ExitCode;
}

/** Exhaustive: an RPC code that Connect adds is a compile error here. */
export const codeFacts: Record<Code, CodeFacts> = {
  [Code.Canceled]: { name: "canceled", exitCode: exitCodes.unavailable },
  [Code.Unknown]: { name: "unknown", exitCode: exitCodes.unexpected },
  [Code.InvalidArgument]: { name: "invalid_argument", exitCode: exitCodes.usage },
  [Code.DeadlineExceeded]: { name: "deadline_exceeded", exitCode: exitCodes.unavailable },
  [Code.NotFound]: { name: "not_found", exitCode: exitCodes.notFound },
  [Code.AlreadyExists]: { name: "already_exists", exitCode: exitCodes.refused },
  [Code.PermissionDenied]: { name: "permission_denied", exitCode: exitCodes.denied },
  [Code.ResourceExhausted]: { name: "resource_exhausted", exitCode: exitCodes.refused },
  [Code.FailedPrecondition]: { name: "failed_precondition", exitCode: exitCodes.refused },
  [Code.Aborted]: { name: "aborted", exitCode: exitCodes.unavailable },
  [Code.OutOfRange]: { name: "out_of_range", exitCode: exitCodes.usage },
  [Code.Unimplemented]: { name: "unimplemented", exitCode: exitCodes.unexpected },
  [Code.Internal]: { name: "internal", exitCode: exitCodes.unexpected },
  [Code.Unavailable]: { name: "unavailable", exitCode: exitCodes.unavailable },
  [Code.DataLoss]: { name: "data_loss", exitCode: exitCodes.unexpected },
  [Code.Unauthenticated]: { name: "unauthenticated", exitCode: exitCodes.denied },
};

/** Exhaustive: a reason that the contract adds is a compile error here. Undefined: the RPC code decides. */
export const reasonExitCodes: Record<KnownReason, ExitCode | undefined> = {
  [RefusalReason.UNSPECIFIED]: undefined,
  [RefusalReason.NOT_STARTED]: exitCodes.refused,
  [RefusalReason.ENDED]: exitCodes.refused,
  [RefusalReason.CANCELLED]: exitCodes.refused,
  [RefusalReason.PAUSED]: exitCodes.refused,
  [RefusalReason.NOT_READY]: exitCodes.refused,
  [RefusalReason.SOLD_OUT]: exitCodes.refused,
  [RefusalReason.UNKNOWN_CAMPAIGN]: exitCodes.notFound,
  [RefusalReason.NO_COUPON]: exitCodes.notFound,
  [RefusalReason.INVALID]: exitCodes.usage,
  [RefusalReason.OVERLOADED]: exitCodes.unavailable,
  [RefusalReason.UNCERTAIN]: exitCodes.unavailable,
  [RefusalReason.CONFLICT]: exitCodes.refused,
  [RefusalReason.NOT_ALLOWED]: exitCodes.refused,
  [RefusalReason.UNAUTHENTICATED]: exitCodes.denied,
  [RefusalReason.PERMISSION_DENIED]: exitCodes.denied,
  [RefusalReason.RATE_LIMITED]: exitCodes.unavailable,
  [RefusalReason.DEADLINE_EXCEEDED]: exitCodes.unavailable,
  [RefusalReason.UNKNOWN_SINK]: exitCodes.notFound,
  [RefusalReason.SINK_EXISTS]: exitCodes.refused,
  [RefusalReason.TOO_MANY_SINKS]: exitCodes.refused,
  [RefusalReason.NOT_VALID_YET]: exitCodes.refused,
  [RefusalReason.VALIDITY_OVER]: exitCodes.refused,
  [RefusalReason.VOIDED]: exitCodes.refused,
  [RefusalReason.RESERVED]: exitCodes.refused,
  [RefusalReason.REDEEMED]: exitCodes.refused,
  [RefusalReason.NO_RESERVATION]: exitCodes.refused,
  [RefusalReason.RESERVATION_OVER]: exitCodes.refused,
  [RefusalReason.MAX_PER_USER]: exitCodes.refused,
};

/** undefined: a reason of a newer server, unknown to this build; then the RPC code decides. */
export function knownReason(reason: number): KnownReason | undefined {
  return Object.values(RefusalReason).find((known) => known === reason);
}

export function reasonName(reason: number): string {
  return enumName(RefusalReasonSchema, reason);
}
