import { expect } from "chai";
import { counted, grouped, isOrAre, limitBroken } from "../../runtime/counting.ts";

describe("numbers in sentences", () => {
  it("one thing is one thing, all else is several", () => {
    expect([0, 1, 2, 5_000_000].map((count) => counted(count, "issued code"))).to.deep.equal([
      ...["0 issued codes", "1 issued code", "2 issued codes", "5,000,000 issued codes"],
    ]);
    expect([1n, 2n].map((count) => counted(count, "entry", "entries"))).to.deep.equal([
      "1 entry",
      "2 entries",
    ]);
    expect([0, 1, 2].map(isOrAre)).to.deep.equal(["are", "is", "are"]);
  });

  it("digits are grouped", () => {
    expect([7, 1_000, -1_234_567, 10n ** 12n].map(grouped)).to.deep.equal([
      ...["7", "1,000", "-1,234,567", "1,000,000,000,000"],
    ]);
  });

  it("a number beyond a limit is told that limit", () => {
    expect([0, 1, 5_000_000, 9_999_999].map((value) => limitBroken(value, 1, 5_000_000))).to.deep.equal([
      ...["at least 1", undefined, undefined, "at most 5,000,000"],
    ]);
  });
});
