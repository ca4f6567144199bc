import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { refusal } from "../integration/answers.ts";
import { createOpenCampaign, untilState } from "../integration/campaign.ts";
import { type Clients, connectClients } from "../integration/clients.ts";
import { KEY_PREFIX } from "../integration/quiet-logs.ts";
import { createServices, type Services } from "../integration/service.ts";
import { openStores, type TestStores } from "../setup/shared-stores.ts";

describe("GetCampaignStats", () => {
  let stores: TestStores;
  let services: Services;
  let clients: Clients;

  before(async () => {
    stores = await openStores();
    services = createServices(stores.env);
    clients = connectClients((await services.start()).url);
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      await stores?.close();
    }
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
    const told = await clients.campaigns.getCampaignStats({ campaignId });
    expect(told.issuedPerBucket).to.deep.equal([2, 1, 0, 0, 0, 1]);
    expect(told).to.include({ issuedLater: 1, issuedEarly: 1, truncated: false, bucketMs: 1_000 });
    expect(Number(told.firstIssuedAt?.seconds) * 1_000 + 1_000).to.be.within(
      startsAtMs - 1_000,
      startsAtMs + 1_000,
    );
    const fine = await clients.campaigns.getCampaignStats({ campaignId, bucketMs: 500, buckets: 3 });
    expect(fine.issuedPerBucket).to.deep.equal([1, 1, 1]);
    expect(fine.issuedLater).to.equal(2);
  });

  it("has nothing to tell of a campaign without coupons, and refuses what is out of range", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 3 });
    const told = await clients.campaigns.getCampaignStats({ campaignId });
    expect(told.issuedPerBucket).to.deep.equal([]);
    expect(told.firstIssuedAt).to.equal(undefined);
    for (const wrong of [{ bucketMs: 9 }, { buckets: 1_001 }, { bucketMs: -1 }]) {
      const { code } = await refusal(clients.campaigns.getCampaignStats({ campaignId, ...wrong }));
      expect(code).to.equal(Code.InvalidArgument);
    }
  });
});
