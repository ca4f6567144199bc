import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { claimKeyOf } from "../../../campaign/claim-key.ts";
import { createIssuances } from "../../../record/issuances.ts";
import { viewIssuance } from "../../../server/rpc/find-issuance.ts";
import { refusal } from "../../support/answers.ts";
import { AUDIENCE, claimsOf, secretMaker, serverKey } from "../../support/claim-credentials.ts";
import { CLAIM_TRANSPORTS, type ClaimFields } from "../../support/claim-transports.ts";
import { connectClients } from "../../support/clients.ts";
import { openSale, type Sale } from "../../support/open-sale.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, type ClaimServerOptions, claimServer } from "./claim-server.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const shop = secretMaker(SECRET);
const bearerOf = (user: string) => `Bearer ${shop.sign(claimsOf(user))}`;
const tokens = { secrets: [SECRET], jwks: undefined, audience: AUDIENCE, issuer: undefined, skewMs: 0 };
const [fast, , , , grpc] = CLAIM_TRANSPORTS;

describe("coupons of users who are proven", () => {
  const stores = withStores();
  const servers: ClaimServer[] = [];
  const serve = async (sale: Sale, options: ClaimServerOptions) => {
    const server = await claimServer(stores, sale, options);
    servers.push(server);
    const { coupons } = connectClients(`http://127.0.0.1:${server.port}`);
    const campaignId = sale.campaign._id;
    return {
      server,
      issuances: createIssuances(stores.db),
      campaignId,
      claim: async (fields: Omit<ClaimFields, "campaignId">, authorization: string, over = fast) => {
        if (over === undefined) throw new Error("no such transport");
        return over.claim(server, { campaignId, ...fields }, [authorization]);
      },
      find: async (fields: object, authorization?: string) => {
        const headers = authorization === undefined ? {} : { headers: { authorization } };
        return (await coupons.findCoupon({ campaignId, ...fields }, headers)).coupon?.code;
      },
      findFails: (fields: object, authorization?: string) =>
        refusal(
          coupons.findCoupon(
            { campaignId, ...fields },
            authorization === undefined ? {} : { headers: { authorization } },
          ),
        ),
    };
  };
  after(async () => {
    for (const server of servers) await server.close();
  });

  /** An issuance whose code a person could write, unlike those of the sale. */
  let codes = 0;
  const issuedCode = async (sale: Sale, claimKey: string, userId?: string) => {
    const code = `가나다라마바000${++codes}`;
    const place = { generation: 0, seq: codes, issuedAt: new Date() };
    const user = userId === undefined ? {} : { userId };
    await createIssuances(stores.db).insert([
      { _id: code, campaignId: sale.campaign._id, claimKey, ...user, ...place },
    ]);
    return code;
  };

  describe("in a campaign by request id", () => {
    it("a user that sends another's request id gets a coupon of its own, on every transport and at once", async () => {
      const sale = await openSale(stores, { total: 200, onePerUser: false });
      const { claim, issuances, campaignId } = await serve(sale, { mode: "token", tokens });
      for (const [at, over] of CLAIM_TRANSPORTS.entries()) {
        const requestId = `request-${at}`;
        const alice = await claim({ requestId }, bearerOf("alice"), over);
        const rivals = await Promise.all(
          ["bob", "carol", "alice", "bob"].map((user) => claim({ requestId }, bearerOf(user), over)),
        );
        const [bob, carol, again, bobAgain] = rivals.map(({ coupon }) => coupon);
        expect([again, bobAgain]).to.deep.equal([alice.coupon, bob]);
        expect(new Set([alice.coupon, bob, carol]).size).to.equal(3);
        const held = await issuances.findByCode(campaignId, bob ?? "");
        if (held === null) throw new Error("there is no such issuance");
        expect(viewIssuance(held, false)).to.include({ userId: "bob", requestId });
      }
    });

    it("nobody's id can be made up of two others", async () => {
      const sale = await openSale(stores, { onePerUser: false });
      const { claim } = await serve(sale, { mode: "token", tokens });
      const one = await claim({ requestId: "b c" }, bearerOf("a"));
      const other = await claim({ requestId: "c" }, bearerOf("a b"));
      expect(one.coupon).to.be.a("string").and.not.to.equal(other.coupon);
      const forged = await claim({ requestId: "a\u001fb c" }, bearerOf("x"));
      expect(forged.code).to.equal(Code.InvalidArgument);
    });

    it("FindCoupon finds a request of the token's user alone", async () => {
      const sale = await openSale(stores, { onePerUser: false });
      const { claim, find, findFails } = await serve(sale, { mode: "token", tokens });
      const { coupon = "" } = await claim({ requestId: "r" }, bearerOf("alice"));
      expect(await find({ requestId: "r" }, bearerOf("alice"))).to.equal(coupon);
      const code = await issuedCode(sale, claimKeyOf("alice", "s"), "alice");
      expect(await find({ code }, bearerOf("alice"))).to.equal(code);
      for (const fields of [{ requestId: "r" }, { code }])
        expect((await findFails(fields, bearerOf("bob"))).reason).to.equal("NO_COUPON");
      expect((await findFails({}, bearerOf("alice"))).reason).to.equal("INVALID");
    });
  });

  it("FindCoupon answers the token's own user alone, who need not be named", async () => {
    const sale = await openSale(stores);
    const { claim, find, findFails } = await serve(sale, { mode: "token", tokens });
    const { coupon = "" } = await claim({}, bearerOf("alice"));
    for (const fields of [{}, { userId: "alice" }])
      expect(await find(fields, bearerOf("alice"))).to.equal(coupon);
    const code = await issuedCode(sale, "dora");
    expect(await find({ code }, bearerOf("dora"))).to.equal(code);
    expect((await findFails({ userId: "alice" })).code).to.equal(Code.Unauthenticated);
    expect((await findFails({ code })).code).to.equal(Code.Unauthenticated);
    expect((await findFails({ userId: "alice" }, bearerOf("bob"))).code).to.equal(Code.PermissionDenied);
    expect((await findFails({ code }, bearerOf("bob"))).reason).to.equal("NO_COUPON");
    expect((await findFails({}, bearerOf("bob"))).reason).to.equal("NO_COUPON");
  });

  it("a user is one, in whatever Unicode form its token or its backend writes the id", async () => {
    const key = serverKey("shop");
    const [composed, decomposed] = ["조은", "조은".normalize("NFD")];
    const sale = await openSale(stores);
    const byToken = await serve(sale, { mode: "token", tokens });
    const first = await byToken.claim({ userId: decomposed }, bearerOf(composed));
    const again = await byToken.claim({ userId: composed }, bearerOf(decomposed));
    const byKey = await serve(sale, { mode: "key", keys: [key.setting] });
    const vouched = await byKey.claim({ userId: decomposed }, `Bearer ${key.key}`);
    expect([again.coupon, vouched.coupon]).to.deep.equal([first.coupon, first.coupon]);
    expect(await byKey.find({ userId: decomposed }, `Bearer ${key.key}`)).to.equal(first.coupon);
    const invisible = await byKey.claim({ userId: "조\u200d은" }, `Bearer ${key.key}`);
    expect(invisible.code).to.equal(Code.InvalidArgument);
  });

  it("a campaign may demand more than its deployment, on both paths and from the first request on", async () => {
    for (const over of [fast, grpc]) {
      const sale = await openSale(stores, { claimAuth: "token" });
      const key = serverKey("shop");
      const { claim, findFails, find } = await serve(sale, { mode: "open", tokens, keys: [key.setting] });
      const anyone = await claim({ userId: "alice" }, "Basic x", over);
      const backend = await claim({ userId: "alice" }, `Bearer ${key.key}`, over);
      expect([anyone.code, backend.code]).to.deep.equal([Code.Unauthenticated, Code.PermissionDenied]);
      const { coupon } = await claim({}, bearerOf("alice"), over);
      expect(coupon).to.be.a("string");
      expect((await claim({ userId: "alice" }, "Basic x", over)).code).to.equal(Code.Unauthenticated);
      expect((await findFails({ userId: "alice" })).code).to.equal(Code.Unauthenticated);
      expect(await find({}, bearerOf("alice"))).to.equal(coupon);
    }
  });
});

describe("claims with keys", () => {
  const stores = withStores();
  const [first, second] = [serverKey("shop"), serverKey("app")];
  const stranger = serverKey("other");
  let sale: Sale;
  let server: ClaimServer;
  before(async () => {
    sale = await openSale(stores);
    server = await claimServer(stores, sale, { mode: "key", keys: [first.setting, second.setting], tokens });
  });
  after(() => server.close());

  for (const { name, claim, find } of CLAIM_TRANSPORTS) {
    it(`${name}: each of several keys may ask for any user, and a proven user for itself; nobody else`, async () => {
      const ask = (authorization: string | undefined, call = claim) =>
        call(
          server,
          { campaignId: sale.campaign._id, userId: `u-${name}` },
          authorization === undefined ? [] : [authorization],
        );
      const refused = [
        undefined,
        `Bearer ${stranger.key}`,
        `Bearer ${first.setting.sha256}`,
        `Bearer ${first.key.slice(0, -1)}`,
        `Bearer ${first.key}x`,
        `Basic ${first.key}`,
      ];
      for (const authorization of refused)
        for (const call of [claim, find])
          expect((await ask(authorization, call)).code, authorization?.slice(0, 8)).to.equal(
            Code.Unauthenticated,
          );
      const [one, two] = [await ask(`Bearer ${first.key}`), await ask(`bearer ${second.key}`)];
      expect(one.coupon).to.be.a("string").and.to.equal(two.coupon);
      expect((await ask(bearerOf(`u-${name}`))).coupon).to.equal(one.coupon);
      const owners = [`Bearer ${first.key}`, `bearer ${second.key}`, bearerOf(`u-${name}`)];
      for (const owner of owners) expect((await ask(owner, find)).coupon).to.equal(one.coupon);
      for (const call of [claim, find])
        expect((await ask(bearerOf("bob"), call)).code).to.equal(Code.PermissionDenied);
    });
  }
});
