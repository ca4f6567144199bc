import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { refusal } from "../../support/answers.ts";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

describe("GetCampaignStats", () => {
  const stores = withStores();
  let services: Services;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    clients = connectClients((await services.start()).url);
  });
  after(async () => {
    await services?.end();
  });

  it("counts each issuance into its bucket, over generations, with what is early and late beside", async () => {
    const startsAtMs = Date.now() - 3_600_000;
    const campaignId = await createOpenCampaign(clients, { total: 6, startsAtMs });
    for (let i = 0; i < 6; i++)
      await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
    await untilState(clients, campaignId, "SOLD_OUT");
    const issuances = stores.db.collection("issuances");
    const at = [0, 999, 1_000, 5_500, 90_000, -1];
    for (const [i, offsetMs] of at.entries())
      await issuances.updateOne(
        { campaignId, seq: i + 1 },
        { $set: { issuedAt: new Date(startsAtMs + offsetMs), ...(i > 2 ? { generation: 7 } : {}) } },
      );
    const told = await clients.campaigns.getCampaignStats({ campaignId, bucketMs: 1_000, buckets: 60 });
    expect(told.issuedPerBucket).to.deep.equal([2, 1, 0, 0, 0, 1]);
    expect(told.peakPerSecond).to.equal(2);
    expect(timestampMs(told.peakAt ?? timestampFromMs(0))).to.equal(startsAtMs);
    expect(told).to.include({ issuedLater: 1, issuedEarly: 1, truncated: false, bucketMs: 1_000 });
    expect(Number(told.firstIssuedAt?.seconds) * 1_000 + 1_000).to.be.within(
      startsAtMs - 1_000,
      startsAtMs + 1_000,
    );
    const fine = await clients.campaigns.getCampaignStats({ campaignId, bucketMs: 500, buckets: 3 });
    expect(fine.issuedPerBucket).to.deep.equal([1, 1, 1]);
    expect(fine.issuedLater).to.equal(2);
  });

  it("shows a sale whenever it was, and however long", async () => {
    const total = 100;
    const startsAtMs = Date.now() - 90 * 86_400_000;
    const campaignId = await createOpenCampaign(clients, { total, startsAtMs });
    for (let i = 0; i < total; i++)
      await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
    await untilState(clients, campaignId, "SOLD_OUT");
    const issuances = stores.db.collection("issuances");
    const hour = 3_600_000;
    for (const [what, firstMs, everyMs, bucketMs] of [
      ["two seconds at once", 0, 20, 50],
      ["two seconds, three hours later", 3 * hour, 20, 50],
      ["an hour", 30_000, hour / total, 120_000],
      ["an hour, a day later", 24 * hour, hour / total, 120_000],
      ["three weeks", hour, (21 * 24 * hour) / total, 24 * hour],
    ] as const) {
      await issuances.updateMany({ campaignId }, [
        {
          $set: {
            issuedAt: {
              $add: [new Date(startsAtMs + firstMs), { $multiply: [{ $subtract: ["$seq", 1] }, everyMs] }],
            },
          },
        },
      ]);
      const told = await clients.campaigns.getCampaignStats({ campaignId });
      const { issuedPerBucket, issuedLater, issuedEarly } = told;
      expect(told.bucketMs, what).to.equal(bucketMs);
      // Enough bars to show the course of the sale, and few enough to read.
      expect(issuedPerBucket.length, what).to.be.within(20, 40);
      expect(issuedLater + issuedEarly, what).to.be.at.most(total / 100);
      expect(issuedPerBucket.reduce((sum, issued) => sum + issued, 0) + issuedLater, what).to.equal(total);
      const from = Number(told.firstBucketMs);
      expect(from, what).to.equal(firstMs > hour ? Math.floor(firstMs / bucketMs) * bucketMs : 0);
      expect(told.peakPerSecond, what).to.equal(everyMs < 1_000 ? 1_000 / everyMs : 1);
      // A chart with a requested bucket size begins at the sale, too.
      const asked = await clients.campaigns.getCampaignStats({ campaignId, bucketMs: 1_000, buckets: 60 });
      expect(asked.issuedPerBucket[0], what).to.be.greaterThan(firstMs >= 60_000 ? 0 : -1);
      const fine = await clients.campaigns.getCampaignStats({ campaignId, bucketMs: 10 });
      expect(fine.issuedPerBucket.length, what).to.be.within(1, 1_000);
    }
  });

  it("has nothing to tell of a campaign without coupons, and refuses what is out of range", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 3 });
    const told = await clients.campaigns.getCampaignStats({ campaignId });
    expect(told.issuedPerBucket).to.deep.equal([]);
    expect(told.firstIssuedAt).to.equal(undefined);
    expect(told.peakAt).to.equal(undefined);
    for (const wrong of [{ bucketMs: 9 }, { buckets: 1_001 }, { bucketMs: -1 }]) {
      const { code } = await refusal(clients.campaigns.getCampaignStats({ campaignId, ...wrong }));
      expect(code).to.equal(Code.InvalidArgument);
    }
  });
});
