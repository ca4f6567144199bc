import { expect } from "chai";
import { createRestore } from "../../campaign/restore.ts";
import { createGenerator, type Generator } from "../../generator/generator.ts";
import { until } from "../../local/poll.ts";
import type { CampaignDoc, CouponDoc } from "../../record/documents.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { bareCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

describe("generator", () => {
  const stores = withStores("each");
  let records: Records;
  let running: Generator[];

  beforeEach(async () => {
    records = recordsOf(stores.db);
    running = [];
  });

  afterEach(async () => {
    await Promise.all(running.map((generator) => generator.stop()));
  });

  function generator(owner: string, over: Partial<Records> = {}): Generator {
    const deps = {
      ...records,
      ...over,
      pool: stores.pool,
      clock: systemClock,
      owner,
      leaseMs: 5_000,
      logger: silentLogger,
      metrics: createMetrics(),
    };
    const one = createGenerator({ ...deps, restore: createRestore(deps) });
    running.push(one);
    return one;
  }
  const stateIs = (campaign: CampaignDoc, state: string) => async () =>
    (await records.campaigns.find(campaign._id))?.state === state;

  it("takes campaigns to SCHEDULED: all codes durable, the pool loaded, soonest start first", async () => {
    const later = await bareCampaign(records, { total: 300, startsAt: new Date(Date.now() + 900_000) });
    const sooner = await bareCampaign(records, { total: 200, startsAt: new Date(Date.now() + 800_000) });
    const order: string[] = [];
    generator("one", {
      campaigns: {
        ...records.campaigns,
        advance(id, ...rest) {
          order.push(id);
          return records.campaigns.advance(id, ...rest);
        },
      },
    }).start();
    expect(await until(stateIs(later, "SCHEDULED"), HANG_MS, 20)).to.equal(true);
    expect(order).to.deep.equal([sooner._id, later._id]);
    for (const { _id, total } of [sooner, later]) {
      expect(await records.campaigns.find(_id)).to.include({ generated: total, generation: 1 });
      expect(await stores.pool.inspect(_id)).to.include({
        status: "ok",
        state: "staged",
        stagedCodes: total,
      });
      const codes = await records.coupons.codes(_id, 0, total);
      expect(new Set(codes).size).to.equal(total);
      for (const code of codes) expect(code).to.match(/^[가-힣]{6}\d{4}$/);
    }
  });

  it("several on the same campaigns make exactly N of each", async () => {
    const campaigns = [];
    for (let i = 0; i < 3; i++) campaigns.push(await bareCampaign(records, { total: 700 + i }));
    for (const owner of ["one", "two", "three"]) generator(owner).start();
    for (const campaign of campaigns) {
      expect(await until(stateIs(campaign, "SCHEDULED"), HANG_MS, 20)).to.equal(true);
      const made = await stores.db
        .collection<CouponDoc>("coupons")
        .countDocuments({ campaignId: campaign._id });
      expect(made).to.equal(campaign.total);
      expect(await stores.pool.inspect(campaign._id)).to.include({ stagedCodes: campaign.total });
    }
  });

  it("goes on after trouble by itself", async () => {
    const campaign = await bareCampaign(records, { total: 50 });
    let failures = 0;
    generator("one", {
      coupons: {
        ...records.coupons,
        insert(docs) {
          if (++failures <= 1) return Promise.reject(new Error("not now"));
          return records.coupons.insert(docs);
        },
      },
    }).start();
    expect(await until(stateIs(campaign, "SCHEDULED"), HANG_MS, 20)).to.equal(true);
    expect(failures).to.be.greaterThan(1);
  });

  it("one that stops between two windows leaves the rest to another, and its lease to nobody", async () => {
    const campaign = await bareCampaign(records, { total: 15_100 });
    const first = generator("first", {
      campaigns: {
        ...records.campaigns,
        async recordGenerated(id, generated) {
          await records.campaigns.recordGenerated(id, generated);
          if (generated < campaign.total) stopping ??= first.stop();
        },
      },
    });
    let stopping: Promise<void> | undefined;
    first.start();
    expect(await until(() => stopping !== undefined, HANG_MS, 5)).to.equal(true);
    await stopping;
    const left = await records.campaigns.find(campaign._id);
    expect([left?.state, left?.generated, left?.lease]).to.deep.equal(["GENERATING", 15_000, undefined]);
    generator("second").start();
    expect(await until(stateIs(campaign, "SCHEDULED"), HANG_MS, 20)).to.equal(true);
    expect(await records.coupons.ordinals(campaign._id, 0, campaign.total)).to.have.length(campaign.total);
  });

  it("stops at once when it has nothing to do, and before it was started", async () => {
    const idle = generator("idle");
    idle.start();
    idle.start();
    await idle.stop();
    await generator("never started").stop();
  });
});
