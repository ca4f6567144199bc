import { expect } from "chai";
import { leftOf, nextChangeMs } from "../../web/console/time/countdown-text.ts";

describe("the console's countdown", () => {
  it("is rounded up, and never zero before the instant", () => {
    expect(leftOf(1)).to.deep.equal({ days: 0, rest: "0.1" });
    expect(leftOf(0)).to.deep.equal({ days: 0, rest: "0.0" });
    expect(leftOf(9_850)).to.deep.equal({ days: 0, rest: "9.9" });
    expect(leftOf(9_901)).to.deep.equal({ days: 0, rest: "00:00:10" });
    expect(leftOf(90_000_001)).to.deep.equal({ days: 1, rest: "01:00:01" });
  });

  it("is drawn again as soon as its text is another one", () => {
    for (const leftMs of [100, 1_234, 9_901, 10_000, 59_999, 3_600_001, 86_400_000 * 3 + 77]) {
      const waitMs = nextChangeMs(leftMs);
      expect(leftOf(leftMs - waitMs), `${leftMs}`).to.not.deep.equal(leftOf(leftMs));
      expect(leftOf(leftMs - waitMs + 1), `${leftMs}`).to.deep.equal(leftOf(leftMs));
    }
  });
});
