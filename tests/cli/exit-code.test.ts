import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { exitCodeMeanings, exitCodes } from "../../cli/exit-code.ts";
import { describeFailure } from "../../cli/failure.ts";
import { codeFacts, knownReason, reasonExitCodes } from "../../cli/rpc-exit-code.ts";
import { UncertainCall, UserError } from "../../cli/user-error.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { refusal, startMs } from "../support/stand-in.ts";

const context = { url: "http://127.0.0.1:1", zone: "Asia/Seoul", interrupted: false };
const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");

/** For each reason: the RPC code in the proto comments, and the exit code that the help promises. */
const contract: Record<keyof typeof RefusalReason, [code: Code, exitCode: number]> = {
  UNSPECIFIED: [Code.Internal, 1],
  NOT_STARTED: [Code.FailedPrecondition, 3],
  ENDED: [Code.FailedPrecondition, 3],
  CANCELLED: [Code.FailedPrecondition, 3],
  PAUSED: [Code.FailedPrecondition, 3],
  NOT_READY: [Code.FailedPrecondition, 3],
  SOLD_OUT: [Code.FailedPrecondition, 3],
  UNKNOWN_CAMPAIGN: [Code.NotFound, 4],
  NO_COUPON: [Code.NotFound, 4],
  INVALID: [Code.InvalidArgument, 2],
  OVERLOADED: [Code.Unavailable, 5],
  UNCERTAIN: [Code.Unavailable, 5],
  CONFLICT: [Code.AlreadyExists, 3],
  NOT_ALLOWED: [Code.FailedPrecondition, 3],
  UNAUTHENTICATED: [Code.Unauthenticated, 6],
  PERMISSION_DENIED: [Code.PermissionDenied, 6],
  RATE_LIMITED: [Code.ResourceExhausted, 5],
  DEADLINE_EXCEEDED: [Code.DeadlineExceeded, 5],
  UNKNOWN_SINK: [Code.NotFound, 4],
  SINK_EXISTS: [Code.AlreadyExists, 3],
  TOO_MANY_SINKS: [Code.FailedPrecondition, 3],
  NOT_VALID_YET: [Code.FailedPrecondition, 3],
  VALIDITY_OVER: [Code.FailedPrecondition, 3],
  VOIDED: [Code.FailedPrecondition, 3],
  RESERVED: [Code.FailedPrecondition, 3],
  REDEEMED: [Code.FailedPrecondition, 3],
  NO_RESERVATION: [Code.FailedPrecondition, 3],
  RESERVATION_OVER: [Code.FailedPrecondition, 3],
  MAX_PER_USER: [Code.FailedPrecondition, 3],
};

describe("cli exit codes", () => {
  it("has facts for every RPC code, with a meaning in the help", () => {
    for (const code of codes)
      expect(Object.keys(exitCodeMeanings)).to.include(String(codeFacts[code].exitCode));
    expect(Object.keys(codeFacts).map(Number)).to.have.members(codes);
  });

  it("spells RPC codes as the protocol does", () => {
    const snake = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
    for (const code of codes) expect(codeFacts[code].name).to.equal(snake(Code[code]));
  });

  it("covers every refusal reason of the contract", () => {
    expect(Object.keys(reasonExitCodes).map(Number)).to.have.members(Object.values(RefusalReason));
    expect(knownReason(999)).to.equal(undefined);
  });

  for (const [name, [code, exitCode]] of Object.entries(contract)) {
    it(`${name} exits with ${exitCode}, in one line`, () => {
      const reason = Object.entries(RefusalReason).find(([key]) => key === name)?.[1] ?? 0;
      const failure = describeFailure(refusal(code, reason, { message: "two\nlines" }), context);
      expect(failure.exitCode).to.equal(exitCode);
      expect(failure.message).not.to.equal("");
      expect(failure.message + failure.hint).not.to.include("\n");
      expect(failure.reason).to.equal(name === "UNSPECIFIED" ? undefined : name);
    });
  }

  for (const code of codes) {
    it(`${Code[code]} without a detail is told in one line`, () => {
      const failure = describeFailure(new ConnectError("why\nnot", code), context);
      expect(failure.exitCode).to.equal(codeFacts[code].exitCode);
      expect(failure.message).not.to.equal("");
      expect(failure.message + failure.hint).not.to.include("\n");
    });
  }

  it("a reason from a newer service falls back on the RPC code", () => {
    expect(describeFailure(refusal(Code.FailedPrecondition, 77), context).exitCode).to.equal(
      exitCodes.refused,
    );
  });

  it("NOT_STARTED says when and how long, on the server's clock", () => {
    const error = refusal(Code.FailedPrecondition, RefusalReason.NOT_STARTED, {
      startsAtMs: startMs,
      retryAfterMs: 60_000,
    });
    const failure = describeFailure(error, context);
    expect(failure.message).to.equal(
      "not started: opens at 2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z, in 00:01:00",
    );
    expect(failure.startsAt).to.equal("2026-12-24T11:00:00.000Z");
    expect(failure.retryAfterMs).to.equal(60_000);
  });

  it("advice on an unknown outcome is given only where the outcome is unknown", () => {
    const advice = "run again with the same key";
    const lost = new UncertainCall(new ConnectError("gone", Code.Unavailable), advice);
    const refused = new UncertainCall(new ConnectError("no", Code.FailedPrecondition), advice);
    expect(describeFailure(lost, context).hint).to.equal(advice);
    expect(describeFailure(refused, context).hint).not.to.equal(advice);
    expect(describeFailure(lost, { ...context, interrupted: true })).to.include({
      exitCode: 130,
      hint: advice,
    });
  });

  it("a bug exits with 1 and keeps its stack to itself", () => {
    const failure = describeFailure(new TypeError("x is not a function"), context);
    expect(failure).to.include({ exitCode: 1, message: "unexpected: x is not a function" });
    expect(describeFailure("thrown text", context).exitCode).to.equal(1);
  });

  it("the operator's mistakes exit with 2", () => {
    expect(describeFailure(new UserError("no"), context)).to.include({ exitCode: 2, code: "usage" });
  });
});
