import { expect } from "chai";
import { batchAfter, retryDelayMs, untilPlannedMs } from "../../events/retry-plan.ts";

describe("when a sink is tried again", () => {
  it("after pauses that double up to ten minutes, with full jitter", () => {
    const most = [1, 2, 3, 9, 10, 60].map((attempts) => retryDelayMs(attempts, 0, () => 1));
    expect(most).to.deep.equal([2_000, 4_000, 8_000, 512_000, 600_000, 600_000]);
    expect(retryDelayMs(3, 0, () => 0.5)).to.equal(4_000);
    expect(retryDelayMs(60, 0, () => 0)).to.equal(100);
  });

  it("not before the receiver asks for it, within an hour", () => {
    expect(retryDelayMs(1, 30_000, () => 0)).to.equal(30_000);
    expect(retryDelayMs(1, 86_400_000, () => 0)).to.equal(3_600_000);
  });

  it("when it was planned, and at once where a clock that was ahead has planned it", () => {
    const until = (ms: number) => untilPlannedMs(1_800_000_000_000 + ms, 1_800_000_000_000);
    expect([-5, 0, 5, 3_600_000].map(until)).to.deep.equal([0, 0, 5, 3_600_000]);
    expect(until(3_600_001)).to.equal(0);
  });

  it("with ever smaller batches, so that one event that is refused holds back no others", () => {
    expect([0, 3, 4, 5, 9, 100].map((attempts) => batchAfter(attempts, 100))).to.deep.equal([
      100, 100, 50, 25, 1, 1,
    ]);
  });
});
