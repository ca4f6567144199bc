import { expect } from "chai";
import { checkClaims } from "../../bench/rates/loads.ts";
import { checkCoupons } from "../../bench/rates/open-loop-latency.ts";
import { latenessOf } from "../../bench/rates/opening.ts";
import { checkOutcome, readOutcomes } from "../../bench/rates/outcomes.ts";
import { got, refused, unanswered } from "./seen.ts";

describe("bench: what was measured is checked", () => {
  const closed = { answers: 100, refused: 0, perSecond: 1, p50Ms: 1, p99Ms: 1 };

  it("closed loop: every answer on record, and at most one more a connection", () => {
    checkClaims(closed, 100, 8);
    checkClaims(closed, 108, 8);
    expect(() => checkClaims(closed, 99, 8)).to.throw("100 answers, 0 of them refusals, but 99 coupons");
    expect(() => checkClaims(closed, 109, 8)).to.throw("109 coupons on record");
    expect(() => checkClaims({ ...closed, refused: 1 }, 100, 8)).to.throw("did the coupons run out");
  });

  it("refusals: as many as were read and at most one more a connection, all for the reason that was wanted", () => {
    const page = [
      "# HELP coupon_claims_total IssueCoupon answers by outcome",
      'coupon_claims_total{outcome="issued"} 100',
      'coupon_claims_total{outcome="sold_out"} 5',
      'coupon_claim_seconds_count{outcome="sold_out"} 77',
    ].join("\n");
    const before = readOutcomes(page);
    expect(before).to.deep.equal({ issued: 100, sold_out: 5 });
    const wanted = { outcome: "sold_out", answers: 20, connections: 8 };
    checkOutcome(before, { issued: 100, sold_out: 25 }, wanted);
    checkOutcome(before, { issued: 100, sold_out: 33 }, wanted);
    expect(() => checkOutcome(before, { issued: 100, sold_out: 24 }, wanted)).to.throw("19 times sold_out");
    expect(() => checkOutcome(before, { issued: 100, sold_out: 34 }, wanted)).to.throw("29 times sold_out");
    expect(() => checkOutcome(before, { issued: 101, sold_out: 25 }, wanted)).to.throw("1 times issued");
    expect(() => checkOutcome(before, { issued: 100, sold_out: 25, overloaded: 1 }, wanted)).to.throw(
      "1 times overloaded",
    );
    expect(() => checkOutcome(before, before, wanted)).to.throw("the service gave none");
  });

  it("callers by the clock: each has a coupon of its own, and just these are on record", () => {
    checkCoupons([got("a"), got("b")], 2, 2);
    expect(() => checkCoupons([got("a"), got("a")], 2, 2)).to.throw("1 different coupons");
    expect(() => checkCoupons([got("a"), got("b")], 2, 3)).to.throw("3 on record");
    expect(() => checkCoupons([got("a"), got("b")], 2, 1)).to.throw("1 on record");
    expect(() => checkCoupons([got("a")], 2, 2)).to.throw("1 answers");
    expect(() => checkCoupons([got("a"), refused("SOLD_OUT")], 2, 2)).to.throw("1 times SOLD_OUT");
    expect(() => checkCoupons([got("a"), unanswered("HTTP 0")], 2, 2)).to.throw("1 times HTTP 0");
  });

  it("lateness: the first on record, and the first answer, which need not be of one caller", () => {
    const seen = [
      refused("NOT_STARTED"),
      got("b", 1_003, 1_009.5),
      got("a", 1_002, 1_011),
      refused("SOLD_OUT"),
    ];
    expect(latenessOf(1_000, seen, 2)).to.deep.equal({ onRecordMs: 2, toCallerMs: 9.5 });
    expect(latenessOf(1_002, seen, 2)).to.deep.equal({ onRecordMs: 0, toCallerMs: 7.5 });
  });

  it("lateness: a coupon before the instant, on record or in a caller's hand, is no figure but a failure", () => {
    expect(() => latenessOf(1_000, [got("a", 999, 1_004)], 1)).to.throw("early");
    expect(() => latenessOf(1_000, [got("a", 1_000, 999.9)], 1)).to.throw("early");
    expect(() => latenessOf(1_000, [got("a"), got("a")], 2)).to.throw("1 different coupons instead of 2");
    expect(() => latenessOf(1_000, [refused("SOLD_OUT")], 1)).to.throw("0 different coupons instead of 1");
    expect(() => latenessOf(1_000, [got("a"), unanswered("HTTP 0")], 1)).to.throw("HTTP 0");
  });
});
