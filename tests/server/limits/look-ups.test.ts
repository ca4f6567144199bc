import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { newCampaignId } from "../../../record/campaign-id.ts";
import { refusal } from "../../support/answers.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { connectClients } from "../../support/clients.ts";
import { gate, openSale } from "../../support/open-sale.ts";
import { HANG_MS } from "../../support/patience.ts";
import { post } from "../../support/post.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, claimServer } from "../claim-auth/claim-server.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const shop = secretMaker(SECRET);
const tokens = { secrets: [SECRET], jwks: undefined, audience: AUDIENCE, issuer: undefined, skewMs: 0 };
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

  it("a user who asks again is told of its coupon from memory, over each transport; nobody else is", async () => {
    const sale = await openSale(stores, { total: 20 });
    const asked: string[] = [];
    server = await claimServer(stores, sale, {
      ...{ mode: "token", tokens },
      issuances: (real) => ({
        ...real,
        findByClaimKey(campaignId, claimKey) {
          asked.push(claimKey);
          return real.findByClaimKey(campaignId, claimKey);
        },
      }),
    });
    const campaignId = sale.campaign._id;
    const as = (user: string) => [`Bearer ${shop.sign(claimsOf(user))}`];
    await sale.issue("by another server");
    for (const [at, { name, claim, find }] of CLAIM_TRANSPORTS.entries()) {
      const [winner, eager, rival] = [`winner ${at}`, `eager ${at}`, `rival ${at}`];
      const claimed = await claim(server, { campaignId }, as(winner));
      expect(claimed.coupon, name).to.be.a("string");
      for (let i = 0; i < 3; i++)
        expect((await find(server, { campaignId }, as(winner))).coupon, name).to.equal(claimed.coupon);
      expect(asked.splice(0), name).to.deep.equal([winner]);
      const again = await claim(server, { campaignId }, as(eager));
      expect((await claim(server, { campaignId }, as(eager))).replayed, name).to.equal(true);
      expect((await find(server, { campaignId }, as(eager))).coupon, name).to.equal(again.coupon);
      expect(asked, name).to.deep.equal([]);
      const stolen = await find(server, { campaignId, userId: winner }, as(rival));
      expect([stolen.code, stolen.coupon], name).to.deep.equal([Code.PermissionDenied, undefined]);
      expect((await find(server, { campaignId, userId: winner }, [])).code, name).to.equal(
        Code.Unauthenticated,
      );
      expect((await find(server, { campaignId }, as(rival))).code, name).to.equal(Code.NotFound);
      expect(asked.splice(0), name).to.deep.equal([rival]);
      const other = await find(server, { campaignId }, as("by another server"));
      expect(other.coupon, name).to.be.a("string");
      expect(asked.splice(0).length, name).to.equal(at === 0 ? 1 : 0);
    }
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
