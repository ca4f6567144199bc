import { expect } from "chai";
import fc from "fast-check";
import { BUCKET_MS_MAX, BUCKETS_MAX, saleWindow } from "../../../server/rpc/sale-window.ts";

const dayMs = 86_400_000;

describe("the window of a sale", () => {
  const extents = fc
    .tuple(fc.integer({ min: 0, max: 60 * dayMs }), fc.integer({ min: 0, max: 400 * dayMs }))
    .map(([firstMs, lastsMs]) => ({ firstMs, mostByMs: firstMs + lastsMs }));

  it("by itself holds the sale, in few bars, and more than half of it is sale", () => {
    fc.assert(
      fc.property(extents, (extent) => {
        const { fromMs, bucketMs, buckets } = saleWindow({ bucketMs: 0, buckets: 0 }, extent);
        expect(fromMs % bucketMs).to.equal(0);
        expect(fromMs).to.be.at.most(extent.firstMs);
        const lastBucket = Math.floor((extent.mostByMs - fromMs) / bucketMs);
        expect(lastBucket).to.be.within(0, buckets - 1);
        expect(buckets).to.be.at.most(40);
        const lead = extent.firstMs - fromMs;
        expect(lead).to.be.at.most(Math.max(bucketMs, extent.mostByMs - extent.firstMs, 1_000));
        // The next finer bucket size would not hold the whole sale.
        if (bucketMs > 10) expect((extent.mostByMs - fromMs) / bucketMs).to.be.at.least(buckets / 3.5);
      }),
    );
  });

  it("keeps to what was asked for, and begins where it shows something", () => {
    const asked = fc.record({
      bucketMs: fc.integer({ min: 10, max: BUCKET_MS_MAX }),
      buckets: fc.integer({ min: 1, max: BUCKETS_MAX }),
    });
    fc.assert(
      fc.property(asked, extents, (wanted, extent) => {
        const window = saleWindow(wanted, extent);
        expect(window).to.include(wanted);
        const sinceMs = extent.firstMs - window.fromMs;
        expect(sinceMs).to.be.within(0, window.bucketMs * window.buckets - 1);
        const open = saleWindow({ ...wanted, buckets: 0 }, extent);
        expect(open.bucketMs).to.equal(wanted.bucketMs);
        expect(open.buckets).to.be.within(1, BUCKETS_MAX);
        expect(extent.firstMs - open.fromMs).to.be.within(0, open.bucketMs * open.buckets - 1);
      }),
    );
  });

  it("of a campaign without coupons is a window all the same", () => {
    expect(saleWindow({ bucketMs: 0, buckets: 0 }, undefined)).to.deep.equal({
      ...{ fromMs: 0, bucketMs: 1_000, buckets: 40 },
    });
  });
});
