import { expect } from "chai";
import type { Seen } from "../../bench/load/caller-jobs.ts";
import { checkSale, secondsOf } from "../../bench/rates/first-second.ts";
import { got, refused, unanswered } from "./seen.ts";

const STARTS_AT_MS = 1_000_000;
let codes = 0;
const caller = (dueMs: number, latencyMs: number): Seen => ({
  ...got(`code ${codes++}`),
  ...{ latencyMs, answeredAtMs: STARTS_AT_MS + dueMs + latencyMs },
});

describe("bench: first second", () => {
  it("a caller's latency is of the second in which it was due, its coupon of that in which it came", () => {
    const seen = [caller(0, 5), caller(999, 7), caller(990, 1_500), caller(1_000, 3), caller(2_500, 9_000)];
    const late = refused("OVERLOADED", STARTS_AT_MS + 1_500);
    const seconds = secondsOf([...seen, late], STARTS_AT_MS, 3);
    expect(seconds.map(({ p99Ms }) => p99Ms)).to.deep.equal([1_500, 3, 9_000]);
    expect(seconds.map(({ p50Ms }) => p50Ms)).to.deep.equal([7, 3, 9_000]);
    // The caller at 999 ms is answered in the next second, the last one after all that are told.
    expect(seconds.map(({ coupons }) => coupons)).to.deep.equal([1, 2, 1]);
    expect(seconds.map(({ refused: count }) => count)).to.deep.equal([0, 1, 0]);
  });

  it("each coupon is of one caller and on record, and no others are", () => {
    const two = [got("a"), got("b"), refused("OVERLOADED")];
    checkSale(two, 2);
    checkSale([...two, unanswered("gone")], 3);
    expect(() => checkSale(two, 3)).to.throw(
      "2 coupons were answered, 2 of them different, and 3 are on record",
    );
    expect(() => checkSale(two, 1)).to.throw("and 1 are on record");
    expect(() => checkSale([...two, got("a")], 3)).to.throw("2 of them different");
    expect(() => checkSale([refused("SOLD_OUT")], 0)).to.throw("a caller was refused: SOLD_OUT");
  });
});
