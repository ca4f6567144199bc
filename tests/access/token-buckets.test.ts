import { expect } from "chai";
import fc from "fast-check";
import { BUCKETS_HALF_MAX, createTokenBuckets } from "../../access/token-buckets.ts";
import { fakeClock } from "../support/fake-clock.ts";

describe("token buckets", () => {
  it("let a burst through, then one for each part of the time, and tell how long to wait", () => {
    const clock = fakeClock();
    const buckets = createTokenBuckets({ count: 4, seconds: 2 }, clock);
    const take = () => buckets.take("alice");
    expect([take(), take(), take(), take()]).to.deep.equal([0, 0, 0, 0]);
    expect(take()).to.equal(500);
    clock.pass(499);
    expect(take()).to.equal(1);
    clock.pass(1);
    expect([take(), take()]).to.deep.equal([0, 500]);
    clock.pass(10_000);
    expect([take(), take(), take(), take(), take()]).to.deep.equal([0, 0, 0, 0, 500]);
  });

  it("one at a time, where the count is one", () => {
    const clock = fakeClock();
    const buckets = createTokenBuckets({ count: 1, seconds: 1 }, clock);
    expect([buckets.take("a"), buckets.take("a"), buckets.take("b")]).to.deep.equal([0, 1_000, 0]);
  });

  it("in any time: at most the count and what is refilled meanwhile; a wait that is kept is enough", () => {
    const rate = fc.record({
      count: fc.integer({ min: 1, max: 50 }),
      seconds: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(rate, fc.array(fc.nat(3_000), { maxLength: 80 }), (given, pauses) => {
        const clock = fakeClock();
        const buckets = createTokenBuckets(given, clock);
        const taken: number[] = [];
        for (const pauseMs of pauses) {
          clock.pass(pauseMs);
          const waitMs = buckets.take("a");
          if (waitMs > 0) {
            clock.pass(waitMs);
            expect(buckets.take("a")).to.equal(0);
          }
          taken.push(clock.elapsed());
        }
        for (const [i, from] of taken.entries()) {
          for (const [j, to] of taken.entries()) {
            if (j < i) continue;
            const refilled = ((to - from) / 1_000 / given.seconds) * given.count;
            expect(j - i + 1).to.be.at.most(given.count + refilled + 1e-6);
          }
        }
      }),
    );
  });

  it("a crowd of invented subjects takes bounded memory, and does not refill the bucket of one that asks on", () => {
    const clock = fakeClock();
    const buckets = createTokenBuckets({ count: 1, seconds: 3_600 }, clock);
    buckets.take("attacker");
    for (let i = 0; i < 3 * BUCKETS_HALF_MAX; i++) {
      buckets.take(`invented ${i}`);
      if (i % 1_000 === 0) expect(buckets.take("attacker"), String(i)).to.be.greaterThan(0);
    }
    expect(buckets.take("invented 0"), "the memory of the first is given up").to.equal(0);
  });
});
