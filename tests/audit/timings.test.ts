import { expect } from "chai";
import { examine } from "../../audit/examination.ts";
import { DEFAULT_TIMINGS, leftAfterMs, readAgainAfterMs, type Timings } from "../../audit/timings.ts";
import { violated } from "../../audit/verdict-table.ts";
import { healthyBooks, snapshotOf } from "../support/written-books.ts";

/**
 * The invariants that a reading violates whose ledger has one entry of this age. Only the age shows whether
 * the entry is under way or was left behind.
 */
function violatedWith(ageMs: number, timings: Timings): readonly string[] {
  const { campaign, codes, issuances, redis } = snapshotOf(healthyBooks({ total: 10, issued: 5 }));
  const examination = examine(campaign, { scope: "stores", rest: "observed", timings });
  for (const [ordinal, code] of codes.entries()) examination.made(code, ordinal);
  for (const list of [redis.staged, redis.open, redis.away])
    for (const code of list) examination.pooled(code);
  for (const claim of redis.claims) examination.bound(claim);
  for (const issuance of issuances) examination.issued(issuance);
  examination.underWay("1-5", ageMs);
  const { meta, lengths, seq } = redis;
  const mark = { meta, lengths: { ...lengths, ledger: 1 }, seq, fenced: false };
  examination.marks(mark, mark);
  const conclusion = examination.conclude();
  let step = conclusion.next();
  while (step.done !== true) step = conclusion.next();
  return violated(step.value);
}

describe("audit: how long something may be on its way", () => {
  const slow: Timings = { insertDeadlineMs: 60_000, leaseMs: 30_000 };

  it("a claim is left in the ledger once its insert, by the deadline of the service, has long ended", () => {
    expect(violatedWith(29_000, DEFAULT_TIMINGS)).to.deep.equal([]);
    expect(violatedWith(45_000, DEFAULT_TIMINGS)).to.deep.equal(["U5"]);
    expect(violatedWith(45_000, slow)).to.deep.equal([]);
    expect(violatedWith(leftAfterMs(slow), slow)).to.deep.equal(["U5"]);
  });

  it("a live sale is read again after a lease, and after a late insert", () => {
    expect(readAgainAfterMs(DEFAULT_TIMINGS)).to.deep.equal([2_500, 10_000]);
    const [afterLease = 0, afterInsert = 0] = readAgainAfterMs(slow);
    expect(afterLease).to.be.greaterThan(slow.leaseMs);
    expect(afterInsert).to.be.greaterThan(slow.insertDeadlineMs);
  });
});
