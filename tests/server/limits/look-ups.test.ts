import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { newCampaignId } from "../../../record/campaign-id.ts";
import { refusal } from "../../support/answers.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { connectClients } from "../../support/clients.ts";
import { gate, openSale } from "../../support/open-sale.ts";
import { HANG_MS } from "../../support/patience.ts";
import { post } from "../../support/post.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, claimServer } from "../claim-auth/claim-server.ts";

const [COUPONS_AT_ONCE, UNKNOWN_AT_ONCE] = [8, 2];
const CROWD = 150;
const [fast, , , , grpc] = CLAIM_TRANSPORTS;

describe("a crowd of look-ups", () => {
  const stores = withStores();
  let server: ClaimServer | undefined;

  afterEach(() => server?.close());

  it("asks MongoDB a few questions at once, and claims are served meanwhile", async () => {
    const sale = await openSale(stores, { total: 20 });
    const slow = gate();
    let asked = 0;
    let finds = 0;
    server = await claimServer(stores, sale, {
      mode: "open",
      issuances: (real) => ({
        ...real,
        async findByClaimKey(campaignId, claimKey) {
          asked += 1;
          await slow.passed;
          return real.findByClaimKey(campaignId, claimKey);
        },
      }),
      campaigns: (real) => ({
        ...real,
        async find(id) {
          if (id === sale.campaign._id) return real.find(id);
          finds += 1;
          await slow.passed;
          return real.find(id);
        },
      }),
    });
    const { port, grpcPort } = server;
    const url = `http://127.0.0.1:${port}`;
    const campaignId = sale.campaign._id;
    const { coupons } = connectClients(url);
    // Both transports know the campaign.
    await fast?.claim({ port, grpcPort }, { campaignId, userId: "first" }, []);
    const misses = Array.from({ length: CROWD }, (_, i) =>
      refusal(coupons.findCoupon({ campaignId, userId: `nobody ${i}` })),
    );
    const unknown = Array.from({ length: CROWD }, () =>
      post(url, "CouponService/GetCampaignStatus", { campaignId: newCampaignId(Date.now()) }),
    );
    const isFull = () => asked === COUPONS_AT_ONCE && finds === UNKNOWN_AT_ONCE;
    expect(await until(isFull, HANG_MS), "both kinds use all of their slots").to.equal(true);
    for (const [i, over] of [fast, grpc, fast, grpc].entries()) {
      const claimed = await over?.claim({ port, grpcPort }, { campaignId, userId: `claimer ${i}` }, []);
      expect(claimed?.coupon, `claim ${i}, while all look-ups hang`).to.be.a("string");
    }
    expect([asked, finds]).to.deep.equal([COUPONS_AT_ONCE, UNKNOWN_AT_ONCE]);
    slow.open();
    expect(new Set((await Promise.all(misses)).map(({ reason }) => reason))).to.deep.equal(
      new Set(["NO_COUPON"]),
    );
    expect(new Set((await Promise.all(unknown)).map(({ status }) => status))).to.deep.equal(new Set([404]));
  });

  it("of a miss nothing is kept: the winner finds its coupon the moment that it is issued", async () => {
    const sale = await openSale(stores, { total: 5 });
    server = await claimServer(stores, sale, { mode: "open" });
    const campaignId = sale.campaign._id;
    const { coupons } = connectClients(`http://127.0.0.1:${server.port}`);
    for (let i = 0; i < 5; i++) {
      const userId = `user ${i}`;
      expect((await refusal(coupons.findCoupon({ campaignId, userId }))).reason).to.equal("NO_COUPON");
      const claimed = await fast?.claim(server, { campaignId, userId }, []);
      expect((await coupons.findCoupon({ campaignId, userId })).coupon?.code).to.equal(claimed?.coupon);
    }
  });
});
