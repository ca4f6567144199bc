import { expect } from "chai";
import fc from "fast-check";
import {
  CLAIM_BACK_OFF,
  isAskedAgain,
  isPassing,
  retryDelayMs,
  type Standing,
  standingOf,
} from "../../client/policy.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";

describe("The client's policy", () => {
  it("has a standing for each reason of the contract", () => {
    for (const reason of Object.keys(RefusalReason))
      expect(standingOf(reason) === undefined, reason).to.equal(reason === "UNSPECIFIED");
    expect(standingOf("constructor")).to.equal(undefined);
  });

  it("asks again only after what may have another end", () => {
    const reasons = Object.keys(RefusalReason);
    const again = ["NOT_READY", "OVERLOADED", "UNCERTAIN", "RATE_LIMITED", "DEADLINE_EXCEEDED"];
    expect(reasons.filter((reason) => isAskedAgain(standingOf(reason)))).to.have.members(again);
    expect(reasons.filter((reason) => isPassing(standingOf(reason)))).to.have.members(
      again.filter((reason) => reason !== "NOT_READY"),
    );
    const early: Standing = "early";
    expect(isAskedAgain(early)).to.equal(false);
  });

  it("waits as long as the service asks, of at most five minutes, and its own part on top, with full jitter", () => {
    const dice = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.nat(1e9), dice, (failures, told, random) => {
        const askedMs = Math.min(told, 300_000);
        const waitMs = retryDelayMs(CLAIM_BACK_OFF, failures, told, random);
        expect(waitMs).to.be.within(askedMs, askedMs + CLAIM_BACK_OFF.mostMs);
        expect(retryDelayMs(CLAIM_BACK_OFF, failures, told, 0)).to.equal(askedMs);
      }),
    );
    const longest = [1, 2, 3, 4, 5, 6, 50].map((failures) => retryDelayMs(CLAIM_BACK_OFF, failures, 0, 1));
    expect(longest).to.deep.equal([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });
});
