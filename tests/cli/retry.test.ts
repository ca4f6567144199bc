import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import fc from "fast-check";
import { delayBeforeRetryMs, isBrokenStream, isTransient } from "../../cli/retry.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { refusal } from "../support/stand-in.ts";

describe("cli retries", () => {
  it("waits longer each time, within bounds, and as long as the service asks within reason", () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 1e9 }),
        random,
        (failures, asked, dice) => {
          const waitMs = delayBeforeRetryMs(failures, asked, dice);
          expect(waitMs).to.be.within(Math.min(asked, 30_000) + 187, Math.min(asked, 30_000) + 6_250);
          expect(delayBeforeRetryMs(failures, 0, dice)).to.be.within(187, 6_250);
          expect(delayBeforeRetryMs(failures + 1, 0, dice)).to.be.at.least(
            delayBeforeRetryMs(failures, 0, dice),
          );
        },
      ),
    );
  });

  it("tries again only what may come out differently", () => {
    const transient = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted];
    for (const code of Object.values(Code).filter((value): value is Code => typeof value === "number")) {
      expect(isTransient(new ConnectError("x", code)), Code[code]).to.equal(transient.includes(code));
    }
    expect(isTransient(refusal(Code.Unavailable, RefusalReason.OVERLOADED))).to.equal(true);
    expect(isTransient(refusal(Code.ResourceExhausted, RefusalReason.RATE_LIMITED))).to.equal(true);
    expect(isTransient(refusal(Code.Unavailable, RefusalReason.UNCERTAIN))).to.equal(true);
    expect(isTransient(refusal(Code.FailedPrecondition, RefusalReason.SOLD_OUT))).to.equal(false);
    expect(isTransient(new Error("a bug"))).to.equal(false);
  });

  it("tells a broken stream from a refused one", () => {
    const cut = new ConnectError("protocol error: missing EndStreamResponse", Code.InvalidArgument);
    expect(isBrokenStream(cut)).to.equal(true);
    const half = new Error("premature end of the body");
    for (const code of [Code.DataLoss, Code.Unknown, Code.Internal]) {
      expect(isBrokenStream(ConnectError.from(half, code)), Code[code]).to.equal(true);
      // The error is the service's own answer: a retry would get it again.
      expect(isBrokenStream(new ConnectError("it has been logged", code)), Code[code]).to.equal(false);
    }
    expect(isBrokenStream(new ConnectError("invalid end stream", Code.Unknown))).to.equal(true);
    expect(isBrokenStream(new ConnectError("bad page_token", Code.InvalidArgument))).to.equal(false);
    expect(isBrokenStream(new ConnectError("who are you", Code.Unauthenticated))).to.equal(false);
    expect(isBrokenStream(refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN))).to.equal(false);
  });
});
