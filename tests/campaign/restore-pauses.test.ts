import { expect } from "chai";
import { createRestorePauses } from "../../campaign/restore-pauses.ts";
import { fakeClock } from "../support/fake-clock.ts";

describe("pauses between attempts to bring a pool back", () => {
  /** The pause in ms before each of `count` attempts, each made as soon as it is allowed. */
  function waits(owner: string, count: number, costly: boolean): number[] {
    const clock = fakeClock();
    const pauses = createRestorePauses(clock, owner);
    return Array.from({ length: count }, () => {
      const leftMs = pauses.leftMs("a campaign");
      clock.pass(leftMs);
      pauses.attempted("a campaign", costly);
      return leftMs;
    });
  }

  it("the first attempts are made at once, further ones wait longer and longer, within a bound", () => {
    const told = waits("a", 12, true);
    expect(told.slice(0, 2)).to.deep.equal([0, 0]);
    const wholes = [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000];
    for (const [i, whole] of wholes.entries())
      expect(told[i + 2], `attempt ${i + 3}`).to.be.within(whole / 2, whole);
  });

  it("a minute of a Redis that does not hold still is some tens of generations at most, not hundreds", () => {
    const sum = (of: number[]) => of.reduce((a, b) => a + b, 0);
    expect(sum(waits("a", 60, true))).to.be.above(50_000);
  });

  it("an attempt that used up no generation is made again within a quarter of a second", () => {
    expect(Math.max(...waits("a", 50, false))).to.be.within(125, 250);
  });

  it("two processes do not wait equally long", () => {
    expect(waits("a", 12, true)).not.to.deep.equal(waits("b", 12, true));
  });

  it("campaigns do not wait for each other, and after a calm time it is at once again", () => {
    const clock = fakeClock();
    const pauses = createRestorePauses(clock, "a");
    for (let i = 0; i < 8; i++) pauses.attempted("one", true);
    expect(pauses.leftMs("one")).to.be.above(0);
    expect(pauses.leftMs("another")).to.equal(0);
    clock.pass(10_000);
    pauses.attempted("one", true);
    expect(pauses.leftMs("one")).to.equal(0);
  });
});
