import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { sha256Of } from "../../../runtime/hashed-key-settings.ts";
import { refusal } from "../../support/answers.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { connectClients } from "../../support/clients.ts";
import { openSale, type Sale } from "../../support/open-sale.ts";
import { post } from "../../support/post.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, type ClaimServerOptions, claimServer } from "../claim-auth/claim-server.ts";

/** So many requests, and none more while a test runs. */
const FEW = { count: 3, seconds: 3_600 };
const [fast] = CLAIM_TRANSPORTS;

describe("claims over a limit", () => {
  const stores = withStores();
  const servers: ClaimServer[] = [];
  /** The claim keys that were looked up in MongoDB because of a limit, and how many at once at most. */
  let lookedUp: string[];
  let atOnceMax: number;

  beforeEach(() => {
    lookedUp = [];
    atOnceMax = 0;
  });
  after(async () => {
    for (const server of servers) await server.close();
  });

  async function serve(sale: Sale, options: Partial<ClaimServerOptions>) {
    let atOnce = 0;
    const server = await claimServer(stores, sale, {
      mode: "open",
      ...options,
      issuances: (real) => ({
        ...real,
        async findByClaimKey(campaignId, claimKey) {
          lookedUp.push(claimKey);
          atOnce += 1;
          atOnceMax = Math.max(atOnceMax, atOnce);
          try {
            return await real.findByClaimKey(campaignId, claimKey);
          } finally {
            atOnce -= 1;
          }
        },
      }),
    });
    servers.push(server);
    const campaignId = sale.campaign._id;
    const claim = async (userId: string, over = fast, authorization: readonly string[] = []) => {
      if (over === undefined) throw new Error("no such transport");
      return over.claim(server, { campaignId, userId }, authorization);
    };
    return { server, campaignId, claim };
  }

  for (const over of CLAIM_TRANSPORTS) {
    it(`are RATE_LIMITED over ${over.name}, with the time to wait; others are served`, async () => {
      const sale = await openSale(stores, { total: 1 });
      const { claim } = await serve(sale, { limits: { user: FEW } });
      await claim("winner", over);
      const codes = [];
      for (let i = 0; i < 5; i++) codes.push((await claim("loser", over)).code);
      const [sold, limited] = [Code.FailedPrecondition, Code.ResourceExhausted];
      expect(codes).to.deep.equal([sold, sold, sold, limited, limited]);
      expect((await claim("loser", over)).text.toLowerCase()).to.match(/retry-after"?: ?"?1[12]\d\d/);
      expect((await claim("another", over)).code).to.equal(sold);
    });

    it(`give a winner its coupon over ${over.name}, however often it asks`, async () => {
      const sale = await openSale(stores, { total: 5 });
      const { claim } = await serve(sale, { limits: { user: FEW } });
      const { coupon } = await claim("winner", over);
      expect(coupon).to.be.a("string");
      for (let i = 0; i < 20; i++) expect((await claim("winner", over)).coupon, String(i)).to.equal(coupon);
      const many = await Promise.all(Array.from({ length: 20 }, () => claim("winner", over)));
      expect(new Set(many.map((one) => one.coupon))).to.deep.equal(new Set([coupon]));
      expect(lookedUp.length, "then from memory").to.equal(1);
    });
  }

  it("an attacker behind a winner's address does not keep the winner from its coupon, nor look up without bound", async () => {
    const sale = await openSale(stores, { total: 1_000 });
    const { server, claim } = await serve(sale, { limits: { address: FEW } });
    const { coupon } = await claim("winner");
    const invented = Array.from({ length: 300 }, (_, i) => claim(`invented ${i}`));
    const codes = (await Promise.all(invented)).map(({ code }) => code);
    expect(codes.filter((code) => code === Code.ResourceExhausted).length).to.be.at.least(297);
    expect(lookedUp.length).to.be.within(1, 100);
    expect(atOnceMax).to.be.at.most(16);
    // The look-ups of an address are used up for a moment: the answer says that a coupon is kept.
    let told = await claim("winner");
    for (let tries = 0; told.coupon === undefined && tries < 100; tries++) {
      expect(told.text).to.include("a coupon that was issued is kept");
      await new Promise((resolve) => setTimeout(resolve, 100));
      told = await claim("winner");
    }
    expect(told.coupon).to.equal(coupon);
    expect(await server.metricsPage()).to.match(/coupon_over_limit_total\{by="address"\} [1-9]/);
  });

  it("a coupon that is issued while its user is over the limit is found at once", async () => {
    const sale = await openSale(stores, { total: 5 });
    const { claim } = await serve(sale, { limits: { user: { count: 1, seconds: 3_600 } } });
    const many = await Promise.all(Array.from({ length: 10 }, () => claim("eager")));
    const coupons = new Set(many.flatMap(({ coupon }) => (coupon === undefined ? [] : [coupon])));
    expect(coupons.size).to.equal(1);
    expect((await claim("eager")).coupon).to.equal([...coupons][0]);
  });

  it("count a proven user, whom nobody else can use up", async () => {
    const shop = secretMaker("a-secret-of-the-shop-0123456789-abcdefgh");
    const forger = secretMaker("another-secret-0123456789-abcdefghijklmn");
    const tokens = { secrets: ["a-secret-of-the-shop-0123456789-abcdefgh"], jwks: undefined };
    const sale = await openSale(stores, { total: 5 });
    const { claim } = await serve(sale, {
      mode: "token",
      tokens: { ...tokens, audience: AUDIENCE, issuer: undefined, skewMs: 0 },
      limits: { user: FEW },
    });
    const bearer = (maker: typeof shop, user: string) => [`Bearer ${maker.sign(claimsOf(user))}`];
    for (let i = 0; i < 10; i++)
      expect((await claim("", fast, bearer(forger, "alice"))).code).to.equal(Code.Unauthenticated);
    for (let i = 0; i < 10; i++)
      expect((await claim("alice", fast, bearer(shop, "mallory"))).code).to.equal(Code.PermissionDenied);
    expect((await claim("", fast, bearer(shop, "alice"))).coupon).to.be.a("string");
  });

  it("count a backend by the name of its key", async () => {
    const [KEY, OTHER] = ["k", "o"].map((letter) => letter.repeat(40)) as [string, string];
    const keys = [
      { name: "shop", sha256: sha256Of(KEY) },
      { name: "app", sha256: sha256Of(OTHER) },
    ];
    const sale = await openSale(stores, { total: 50 });
    const { claim, server } = await serve(sale, { mode: "key", keys, limits: { key: FEW } });
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await claim(`u${i}`, fast, [`Bearer ${KEY}`])).code);
    expect(codes).to.deep.equal([undefined, undefined, undefined, Code.ResourceExhausted]);
    expect((await claim("u0", fast, [`Bearer ${KEY}`])).coupon).to.be.a("string");
    expect((await claim("u9", fast, [`Bearer ${OTHER}`])).coupon).to.be.a("string");
    // All users of the backend come from its address.
    expect(server.refusedCredentials.isEmpty).to.equal(true);
  });

  it("of users make their source wait for turns of its own, also those of a winner that get its coupon", async () => {
    const shop = secretMaker("a-secret-of-the-shop-0123456789-abcdefgh");
    const tokens = { secrets: ["a-secret-of-the-shop-0123456789-abcdefgh"], jwks: undefined };
    const sale = await openSale(stores, { total: 5 });
    const { claim, server } = await serve(sale, {
      mode: "token",
      tokens: { ...tokens, audience: AUDIENCE, issuer: undefined, skewMs: 0 },
      limits: { user: FEW },
    });
    const coupons = new Set<string | undefined>();
    const ask = async () =>
      coupons.add((await claim("", fast, [`Bearer ${shop.sign(claimsOf("eager"))}`])).coupon);
    for (let i = 0; i < FEW.count; i++) await ask();
    expect(server.refusedCredentials.isRefused("127.0.0.1")).to.equal(false);
    await ask();
    expect(coupons.size).to.equal(1);
    expect(server.refusedCredentials.isRefused("127.0.0.1")).to.equal(true);
  });

  for (const over of CLAIM_TRANSPORTS) {
    it(`give a winner its coupon over ${over.name} from a server that does not know the campaign yet`, async () => {
      const sale = await openSale(stores, { total: 5 });
      const first = await serve(sale, {});
      const { coupon } = await first.claim("winner", over);
      expect(coupon).to.be.a("string");
      const started = await serve(sale, { limits: { user: FEW } });
      for (let i = 0; i < FEW.count; i++) {
        const { code } = await over.claim(started.server, { campaignId: unknownId(i), userId: "winner" }, []);
        expect(code).to.equal(Code.NotFound);
      }
      expect((await started.claim("winner", over)).coupon).to.equal(coupon);
      expect((await started.claim("loser", over)).coupon, "another user").to.be.a("string");
    });
  }

  it("do not go around the authentication that a campaign demands, which the server does not know yet", async () => {
    const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
    const tokens = { secrets: [SECRET], jwks: undefined, audience: AUDIENCE, issuer: undefined, skewMs: 0 };
    const sale = await openSale(stores, { total: 5, claimAuth: "token" });
    const first = await serve(sale, { tokens });
    const bearer = [`Bearer ${secretMaker(SECRET).sign(claimsOf("winner"))}`];
    const { coupon } = await first.claim("winner", fast, bearer);
    expect(coupon).to.be.a("string");
    const started = await serve(sale, { tokens, limits: { user: { count: 1, seconds: 3_600 } } });
    for (const userId of ["winner", "winner"])
      await fast?.claim(started.server, { campaignId: unknownId(0), userId }, []);
    const stranger = await started.claim("winner", fast);
    expect([stranger.coupon, stranger.code]).to.deep.equal([undefined, Code.Unauthenticated]);
  });

  it("look few campaigns up that the server does not know, and are told nothing about them", async () => {
    const sale = await openSale(stores);
    let [atOnce, atOnceMost, looked] = [0, 0, 0];
    const { server } = await serve(sale, {
      limits: { address: FEW },
      campaigns: (real) => ({
        ...real,
        async find(id) {
          looked += 1;
          atOnce += 1;
          atOnceMost = Math.max(atOnceMost, atOnce);
          try {
            return await real.find(id);
          } finally {
            atOnce -= 1;
          }
        },
      }),
    });
    const ask = async (i: number) =>
      (await fast?.claim(server, { campaignId: unknownId(i), userId: `u${i}` }, []))?.code;
    const within = [await ask(0), await ask(1), await ask(2)];
    expect(within).to.deep.equal([Code.NotFound, Code.NotFound, Code.NotFound]);
    const startedAtMs = Date.now();
    const codes = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(10 + i)));
    expect(new Set(codes)).to.deep.equal(new Set([Code.ResourceExhausted]));
    // 20 in 2 s for one address, whatever time the 300 take.
    const most = 20 * (1 + Math.ceil((Date.now() - startedAtMs) / 2_000));
    expect(looked - within.length).to.be.within(1, most);
    expect(atOnceMost).to.be.at.most(16);
    expect(await ask(0), "an id that is known to be none").to.equal(Code.ResourceExhausted);
  });

  it("look-ups are limited by address, over the fast path and the framework together", async () => {
    const sale = await openSale(stores, { total: 2 });
    const { server, campaignId, claim } = await serve(sale, { limits: { address: FEW } });
    const url = `http://127.0.0.1:${server.port}`;
    const { coupons } = connectClients(url);
    const status = await post(url, "CouponService/GetCampaignStatus", { campaignId });
    expect(status.status).to.equal(200);
    await coupons.getCampaignStatus({ campaignId });
    expect((await refusal(coupons.findCoupon({ campaignId, userId: "u" }))).reason).to.equal("NO_COUPON");
    for (const call of [
      () => refusal(coupons.findCoupon({ campaignId, userId: "u" })),
      () => refusal(coupons.getCampaignStatus({ campaignId })),
    ]) {
      const { reason, code } = await call();
      expect([reason, code]).to.deep.equal(["RATE_LIMITED", Code.ResourceExhausted]);
    }
    const limited = await fetch(new URL("/coupon.v1.CouponService/GetCampaignStatus", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ campaignId }),
    });
    await limited.body?.cancel();
    expect([limited.status, Number(limited.headers.get("retry-after")) > 1_000]).to.deep.equal([429, true]);
    expect((await claim("u")).coupon, "claims have a limit of their own").to.be.a("string");
  });
});

/** The id of no campaign. */
function unknownId(i: number): string {
  return `01M7YQZAAWCPD2T0Z7YQGQ${String(i).padStart(4, "0")}`;
}
