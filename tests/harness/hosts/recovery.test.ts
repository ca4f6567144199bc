import { expect } from "chai";
import type { HistoryEntry } from "../../../audit/history.ts";
import { longestGapMs, recoveryMs, successesOf } from "./recovery.ts";

const sample = (atMs: number, successes: number) => ({ atMs, successes });

describe("recovery", () => {
  it("is the time from the end of the fault to the first answer after it", () => {
    const samples = [sample(0, 5), sample(100, 9), sample(200, 9), sample(300, 9), sample(400, 10)];
    expect(recoveryMs(samples, 250)).to.equal(150);
  });

  it("an answer before the end is none", () => {
    expect(recoveryMs([sample(0, 5), sample(100, 6), sample(200, 6)], 150)).to.equal(undefined);
  });

  it("a new process counts from zero", () => {
    expect(recoveryMs([sample(0, 50), sample(1_000, 0), sample(1_100, 3)], 900)).to.equal(200);
    expect(recoveryMs([sample(0, 50), sample(1_000, 0), sample(1_100, 0)], 900)).to.equal(undefined);
  });

  it("without a reading before it, the first one after it is what is compared", () => {
    expect(recoveryMs([sample(500, 4), sample(600, 4), sample(700, 5)], 400)).to.equal(300);
  });

  const answered = (answeredAtMs: number, outcome: HistoryEntry["outcome"]): HistoryEntry => ({
    ...{ claimKey: "alice", invokedAtMs: 0, invokedOrder: 0, answeredOrder: 0, answeredAtMs, outcome },
  });

  it("the longest gap is that between right answers, whoever got them", () => {
    const soldOut = { kind: "refused", reason: "SOLD_OUT" } as const;
    const history = [
      answered(1_700, soldOut),
      answered(1_100, soldOut),
      answered(1_300, { kind: "refused", reason: "OVERLOADED" }),
      answered(1_400, { kind: "unknown", message: "UNCERTAIN" }),
    ];
    expect(longestGapMs(history, 1_000)).to.equal(600);
  });

  it("reads coupons and sold out from a page of metrics, and no other answer", () => {
    const page = [
      "# TYPE coupon_claims_total counter",
      'coupon_claims_total{outcome="issued"} 10',
      'coupon_claims_total{outcome="replayed"} 2',
      'coupon_claims_total{outcome="sold_out"} 3',
      'coupon_claims_total{outcome="overloaded"} 70',
      "coupon_answers_from_memory_total 9",
    ].join("\n");
    expect(successesOf(page)).to.equal(15);
  });
});
