import { expect } from "chai";
import fc from "fast-check";
import {
  LATENCY_BUCKETS,
  latencyBucket,
  latencyFloorMs,
  latencyQuantile,
} from "../../runtime/latency-histogram.ts";

/** The counts that a process would have after these latencies. */
function counted(latenciesMs: readonly number[]): number[] {
  const counts = new Array<number>(LATENCY_BUCKETS).fill(0);
  for (const ms of latenciesMs) counts[latencyBucket(ms)] = (counts[latencyBucket(ms)] ?? 0) + 1;
  return counts;
}

const latency = fc.double({ min: 0, max: 16_000, noNaN: true });

describe("latency histogram", () => {
  it("a latency lies between the floor of its bucket and that of the next", () => {
    fc.assert(
      fc.property(latency, (ms) => {
        const bucket = latencyBucket(ms);
        return latencyFloorMs(bucket) <= ms && ms < latencyFloorMs(bucket + 1);
      }),
    );
  });

  it("buckets join without a gap, and each is at most a quarter of its floor wide from 1 ms on", () => {
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      const [floor, next] = [latencyFloorMs(bucket), latencyFloorMs(bucket + 1)];
      expect(latencyBucket(floor)).to.equal(bucket);
      expect(next).to.be.greaterThan(floor);
      if (floor >= 1) expect((next - floor) / floor).to.be.at.most(0.25);
    }
  });

  it("what is longer than all buckets is in the last one, what is negative in the first", () => {
    expect(latencyBucket(3_600_000)).to.equal(LATENCY_BUCKETS - 1);
    expect(latencyBucket(-5)).to.equal(0);
  });

  it("a quantile is in the bucket of the value that an exact sort gives", () => {
    const some = fc.array(latency, { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(some, fc.constantFrom(0.5, 0.9, 0.99, 1), (latencies, share) => {
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        const told = latencyQuantile(counted(latencies), share) ?? Number.NaN;
        const bucket = latencyBucket(exact);
        expect(told).to.be.within(latencyFloorMs(bucket), latencyFloorMs(bucket + 1));
      }),
    );
  });

  it("of nothing there is no quantile", () => {
    expect(latencyQuantile([], 0.5)).to.equal(undefined);
    expect(latencyQuantile([0, 0], 0.99)).to.equal(undefined);
  });
});
