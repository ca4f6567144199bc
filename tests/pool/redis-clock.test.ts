import { expect } from "chai";
import type { Redis } from "../../pool/redis.ts";
import { createRedisClock } from "../../pool/redis-clock.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { withStores } from "../support/with-stores.ts";

describe("redis clock", () => {
  const stores = withStores();

  it("on one machine the offset is nothing, to within what it says of itself", async () => {
    const measure = createRedisClock(stores.redis, systemClock, 10_000);
    for (const campaignId of [undefined, newCampaignId(Date.now())]) {
      const { offsetMs, uncertaintyMs } = await measure(campaignId);
      expect(uncertaintyMs).to.be.within(1, 1_000);
      expect(Math.abs(offsetMs)).to.be.at.most(uncertaintyMs);
    }
  });

  it("sees a clock that is ahead and one that is behind", async () => {
    for (const shiftMs of [-3_600_000, -80, 80, 3_600_000]) {
      const clock: Clock = { ...systemClock, now: () => systemClock.now() + shiftMs };
      const { offsetMs, uncertaintyMs } = await createRedisClock(stores.redis, clock, 10_000)();
      expect(offsetMs - shiftMs).to.be.within(-uncertaintyMs, uncertaintyMs);
    }
  });

  it("half of the round trip is the uncertainty, and the middle of it is what is compared", async () => {
    const clock = fakeClock({ startMs: 1_800_000_000_000 });
    const slow = {
      async clock() {
        clock.pass(60);
        // Redis read its clock half-way, 30 ms after the request.
        return ["1800000000", "030000"];
      },
    } as unknown as Redis;
    expect(await createRedisClock(slow, clock, 10_000)()).to.deep.equal({ offsetMs: 0, uncertaintyMs: 31 });
  });
});
