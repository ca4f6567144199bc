import { expect } from "chai";
import { type Lease, LeaseLost, takeLease } from "../../campaign/lease.ts";
import { parseCodeFormat } from "../../codes/code-format.ts";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { fillCampaign } from "../../generator/fill.ts";
import { type FillStep, UNTHROTTLED } from "../../generator/fill-pace.ts";
import type { CampaignDoc, CouponDoc } from "../../record/documents.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { bareCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { withStores } from "../support/with-stores.ts";

/** As in fill-pace.ts: one step is three inserts of 5,000. */
const WINDOW = 15_000;

describe("filling a campaign with codes", () => {
  const stores = withStores("each");
  let records: Records;

  beforeEach(async () => {
    records = recordsOf(stores.db);
  });

  /** A lease on the campaign that no other process takes. */
  const leaseOn = (campaign: CampaignDoc): Lease => ({
    campaign,
    keep: () => Promise.resolve(),
    drop: () => Promise.resolve(),
  });
  const numbered = (prefix: string) => {
    let made = 0;
    return () => `${prefix}${made++}`;
  };
  const fill = (campaign: CampaignDoc, makeCode = numbered("가"), lease = leaseOn(campaign)) =>
    fillCampaign({ ...records, clock: fakeClock(), pace: UNTHROTTLED }, lease, makeCode);
  const insert = (campaign: CampaignDoc, ordinals: Iterable<number>, prefix = "옛") =>
    records.coupons.insert(
      [...ordinals].map((ordinal) => ({ _id: `${prefix}${ordinal}`, campaignId: campaign._id, ordinal })),
    );
  const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

  /** Each ordinal occurs once, each code occurs once, and the campaign's document has the right count. */
  async function expectWhole(campaign: CampaignDoc): Promise<CouponDoc[]> {
    const docs = await stores.db
      .collection<CouponDoc>("coupons")
      .find({ campaignId: campaign._id })
      .sort({ ordinal: 1 })
      .toArray();
    expect(docs.map(({ ordinal }) => ordinal)).to.deep.equal(range(0, campaign.total));
    expect(new Set(docs.map(({ _id }) => _id)).size).to.equal(campaign.total);
    expect((await records.campaigns.find(campaign._id))?.generated).to.equal(campaign.total);
    return docs;
  }

  it("makes exactly N real codes, each ordinal once", async () => {
    const campaign = await bareCampaign(records, { total: 1_234 });
    const format = parseCodeFormat(campaign.codeFormat);
    if (!format.ok) throw new Error(format.message);
    await fill(campaign, createCodeMaker(format.format, seededRandom(7)));
    const docs = await expectWhole(campaign);
    for (const { _id } of docs) expect(_id).to.match(/^[가-힣]{6}\d{4}$/);
  });

  it("a window and a bit, and a total that is a window exactly", async () => {
    for (const total of [WINDOW, WINDOW + 1]) {
      const campaign = await bareCampaign(records, { total });
      await fill(campaign, numbered(`가${total}-`));
      await expectWhole(campaign);
    }
  });

  it("fills the holes of the window in which an earlier run died, and keeps what was there", async () => {
    const campaign = await bareCampaign(records, { total: 12_000 });
    await insert(campaign, [0, 1, 4_999, 5_000, 11_999, ...range(6_000, 9_000)]);
    await fill(campaign);
    const docs = await expectWhole(campaign);
    expect(docs.filter(({ _id }) => _id.startsWith("옛"))).to.have.length(3_005);
  });

  it("goes on after the windows that are recorded, in the middle of the next", async () => {
    const total = WINDOW + 4_000;
    const campaign = await bareCampaign(records, { total, generated: WINDOW });
    await insert(campaign, range(0, WINDOW + 1_500));
    let made = 0;
    await fill(campaign, () => `가${made++}`);
    await expectWhole(campaign);
    expect(made).to.equal(2_500);
  });

  it("a full campaign needs nothing", async () => {
    const campaign = await bareCampaign(records, { total: 10, generated: 10 });
    await fill(campaign, () => {
      throw new Error("no code is needed");
    });
  });

  it("two at once make exactly N together", async () => {
    const campaign = await bareCampaign(records, { total: WINDOW + 500 });
    await Promise.all([fill(campaign, numbered("가")), fill(campaign, numbered("나"))]);
    await expectWhole(campaign);
  });

  it("codes that repeat, within a batch and over campaigns, are made again", async () => {
    const other = await bareCampaign(records, { total: 100 });
    await insert(other, range(0, 100), "가");
    const campaign = await bareCampaign(records, { total: 300 });
    let asked = 0;
    // Each code comes three times, and the first hundred belong to the other campaign.
    await fill(campaign, () => `가${Math.floor(asked++ / 3)}`);
    await expectWhole(campaign);
    expect(asked).to.be.greaterThan(900);
    expect(await stores.db.collection("coupons").countDocuments({ campaignId: other._id })).to.equal(100);
  });

  it("a maker that is stuck ends in an error, not in a loop", async () => {
    const campaign = await bareCampaign(records, { total: 2 });
    const trouble = await fill(campaign, () => "가0").catch((error: Error) => error.message);
    expect(trouble).to.match(/still collide after 50 rounds/);
    expect((await records.campaigns.find(campaign._id))?.generated).to.equal(0);
  });

  for (const when of ["before", "after"] as const) {
    it(`any insert may fail ${when} it happened: the next run completes the campaign`, async () => {
      const campaign = await bareCampaign(records, { total: WINDOW + 5_500 });
      for (let failAt = 1; failAt <= 5; failAt += 2) {
        let calls = 0;
        const underWay: Promise<number>[] = [];
        const failing = {
          campaigns: records.campaigns,
          coupons: {
            ...records.coupons,
            async insert(docs: CouponDoc[]) {
              const fails = ++calls === failAt;
              if (fails && when === "before") throw new Error("the line went dead");
              const inserting = records.coupons.insert(docs);
              underWay.push(inserting);
              const refused = await inserting;
              if (fails) throw new Error("the line went dead");
              return refused;
            },
          },
        };
        const current = (await records.campaigns.find(campaign._id)) ?? campaign;
        const trouble = await fillCampaign(
          { ...failing, clock: fakeClock(), pace: UNTHROTTLED },
          leaseOn(current),
          numbered(`가${failAt}-`),
        ).catch(String);
        if (calls >= failAt) expect(trouble).to.match(/the line went dead/);
        // The chunks beside the failed one are still under way: they end without further calls.
        await Promise.allSettled(underWay);
      }
      const current = (await records.campaigns.find(campaign._id)) ?? campaign;
      await fill(current, numbered("끝"));
      await expectWhole(campaign);
    });
  }

  it("stops at the next window when the lease has gone to somebody else, who can go on", async () => {
    const campaign = await bareCampaign(records, { total: WINDOW + 100 });
    const clock = fakeClock();
    const { campaigns } = records;
    const lease = await takeLease({ campaigns, clock, owner: "slow", leaseMs: 1 }, campaign._id, "fill");
    if (lease === undefined) throw new Error("no lease");
    let made = 0;
    const trouble = await fill(
      campaign,
      () => {
        // In the middle of the first window the lease expires, and another process takes it.
        if (made === 7_000) clock.pass(5);
        return `가${made++}`;
      },
      {
        ...lease,
        async keep() {
          if (made > 0) await campaigns.takeLease(campaign._id, "quick", 60_000, false);
          await lease.keep();
        },
      },
    ).catch((error: unknown) => error);
    expect(trouble).to.be.instanceOf(LeaseLost);
    const left = await campaigns.find(campaign._id);
    expect([left?.generated, left?.lease?.owner]).to.deep.equal([WINDOW, "quick"]);
    await fill(left ?? campaign, numbered("나"));
    await expectWhole(campaign);
  });

  it("throttled: makes small steps and rests after each but the last, also where a step at full speed was cut off", async () => {
    const campaign = await bareCampaign(records, { total: 1_200, generated: 100 });
    await insert(campaign, [...range(0, 150), ...range(700, 750)]);
    const clock = fakeClock();
    const inserted: number[] = [];
    const rests: [FillStep, number][] = [];
    const step = { codes: 200, atOnce: 2, restTimes: 9 };
    const asked: number[] = [];
    const deps = {
      ...{ ...records, clock },
      coupons: {
        ...records.coupons,
        insert(coupons: CouponDoc[]) {
          inserted.push(coupons.length);
          clock.pass(5);
          return records.coupons.insert(coupons);
        },
      },
      pace: {
        next(_: unknown, missing: number) {
          asked.push(missing);
          return Promise.resolve(step);
        },
        async rest(...rest: [FillStep, number]) {
          rests.push(rest);
        },
      },
    };
    expect(await fillCampaign(deps, leaseOn(campaign), numbered("가"), 2)).to.equal(false);
    expect((await records.campaigns.find(campaign._id))?.generated).to.equal(900);
    expect(asked).to.deep.equal([1_100, 700]);
    // Those of one step are under way at once, in any order.
    const sizes = [...inserted].sort((one, other) => one - other);
    expect(sizes, "what an earlier step left is not made again").to.deep.equal([150, 150, 200, 200]);
    const current = { ...campaign, generated: 900 };
    expect(await fillCampaign(deps, leaseOn(current), numbered("나"), 2)).to.equal(true);
    expect(rests).to.deep.equal([
      [step, 10],
      [step, 10],
    ]);
    await expectWhole(campaign);
  });
});
