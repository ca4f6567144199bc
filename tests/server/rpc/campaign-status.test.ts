import { expect } from "chai";
import type { ClaimAuthMode } from "../../../access/claim-auth-mode.ts";
import { createCampaignCache } from "../../../claims/campaign-cache.ts";
import { enumName } from "../../../proto/enum-name.ts";
import { ClaimAuthSchema } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { newCampaignId } from "../../../record/campaign-id.ts";
import type { CampaignDoc } from "../../../record/documents.ts";
import { createCampaignStatus } from "../../../server/rpc/campaign-status.ts";
import { createLiveView } from "../../../server/view/live-view.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { loadedPool } from "../../support/loaded-pool.ts";
import { madeCampaign, recordsOf } from "../../support/made-campaign.ts";
import { testBreakers } from "../../support/test-breakers.ts";
import { withStores } from "../../support/with-stores.ts";

describe("GetCampaignStatus", () => {
  const stores = withStores();

  function open(claimAuthMode: ClaimAuthMode = "open") {
    const clock = fakeClock();
    const asked = { found: 0, inspected: 0 };
    const campaigns = {
      find(id: string) {
        asked.found += 1;
        return recordsOf(stores.db).campaigns.find(id);
      },
    };
    const pool = {
      inspect(id: string) {
        asked.inspected += 1;
        return stores.pool.inspect(id);
      },
    };
    const liveView = createLiveView(campaigns, pool, testBreakers(clock), clock);
    const campaignCache = createCampaignCache(campaigns, clock);
    return { clock, asked, status: createCampaignStatus({ liveView, campaignCache, claimAuthMode, clock }) };
  }

  it("of a campaign that there is not asks MongoDB once a second, and Redis never", async () => {
    const { status, clock, asked } = open();
    const id = newCampaignId(Date.now());
    const told = [];
    for (let i = 0; i < 5; i++) told.push(await status(id));
    const unknown = { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
    expect(told).to.deep.equal(Array(5).fill(unknown));
    expect(asked).to.deep.equal({ found: 1, inspected: 0 });
    clock.pass(1_000);
    expect(await status(id)).to.deep.equal(unknown);
    expect(asked).to.deep.equal({ found: 2, inspected: 0 });
  });

  it("of one that has just been created is there at once", async () => {
    const { status, asked } = open();
    await status(newCampaignId(Date.now()));
    const { campaign } = await madeCampaign(recordsOf(stores.db));
    await loadedPool(stores.pool, { campaignId: campaign._id });
    expect((await status(campaign._id)).kind).to.equal("status");
    expect(asked.inspected).to.equal(1);
  });

  it("tells how a claim is made: by which key, and with the stricter of both demands", async () => {
    const records = recordsOf(stores.db);
    const tell = async (deployment: ClaimAuthMode, given: Partial<CampaignDoc>) => {
      const { campaign } = await madeCampaign(records, given);
      await loadedPool(stores.pool, { campaignId: campaign._id });
      const answer = await open(deployment).status(campaign._id);
      if (answer.kind !== "status") throw new Error(answer.refusal.reason);
      return [answer.status.onePerUser, enumName(ClaimAuthSchema, answer.status.claimAuth)];
    };
    expect(await tell("open", { onePerUser: true })).to.deep.equal([true, "OPEN"]);
    expect(await tell("open", { onePerUser: false, claimAuth: "token" })).to.deep.equal([false, "TOKEN"]);
    expect(await tell("token", { onePerUser: true, claimAuth: "key" })).to.deep.equal([true, "TOKEN"]);
  });
});
