import { Code } from "@connectrpc/connect";
import { RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";

/** What the exit code of `coupon` means. Scripts rely on it: never change a number. */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unavailable: 5,
  denied: 6,
  notConfirmed: 7,
  wrong: 8,
  amber: 9,
  red: 10,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeMeanings: Record<ExitCode, string> = {
  0: "ok",
  1: "unexpected: a bug, here or in the service",
  2: "usage: an argument is missing or wrong",
  3: "refused: sold out, not started, ended, paused, conflicting …",
  4: "not found: no such campaign or coupon",
  5: "unavailable: the service could not be reached, is overloaded or took too long; ask again with the same key",
  6: "denied: the token is missing, wrong or not allowed to do this",
  7: "not confirmed: the operator did not agree, or nobody could be asked and --yes was not given",
  8: "wrong: coupon verify or coupon rehearse found a guarantee violated",
  9: "amber: coupon preflight found something to look at; it will open",
  10: "red: coupon preflight found that it will not open, or not as promised",
  130: "interrupted with Ctrl-C",
};

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
};

/** A newer server may send a reason this build does not know: undefined, and the RPC code decides. */
export function knownReason(reason: number): KnownReason | undefined {
  return Object.values(RefusalReason).find((known) => known === reason);
}

export function reasonName(reason: KnownReason): string {
  return Object.entries(RefusalReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
