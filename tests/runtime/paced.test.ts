import { expect } from "chai";
import { createPaced } from "../../runtime/paced.ts";
import { fakeClock } from "../support/fake-clock.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("a paced answer", () => {
  it("is made once for all who ask meanwhile, and at most once a second", async () => {
    const clock = fakeClock();
    let made = 0;
    const ask = createPaced(async () => ++made, 1_000, clock);
    expect(await Promise.all([ask(), ask(), ask()])).to.deep.equal([1, 1, 1]);
    const later = Promise.all([ask(), ask()]);
    await settled();
    clock.pass(999);
    await settled();
    expect(made).to.equal(1);
    clock.pass(1);
    expect(await later).to.deep.equal([2, 2]);
  });

  it("begins after it was asked for: nobody gets one that began before", async () => {
    const clock = fakeClock();
    const ends: ((value: number) => void)[] = [];
    const ask = createPaced(() => new Promise<number>((resolve) => ends.push(resolve)), 0, clock);
    const first = ask();
    await settled();
    const second = ask();
    await settled();
    expect(ends.length).to.equal(1);
    ends[0]?.(1);
    expect(await first).to.equal(1);
    await settled();
    ends[1]?.(2);
    expect(await second).to.equal(2);
  });

  it("fails for those who asked, and is made again for the next", async () => {
    const clock = fakeClock();
    let made = 0;
    const ask = createPaced(
      async () => {
        made += 1;
        if (made === 1) throw new Error("no");
        return made;
      },
      1_000,
      clock,
    );
    expect(await ask().catch(String)).to.equal("Error: no");
    const next = ask();
    await settled();
    clock.pass(1_000);
    expect(await next).to.equal(2);
  });
});
