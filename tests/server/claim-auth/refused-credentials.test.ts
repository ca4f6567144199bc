import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { AUDIENCE, claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { openSale, type Sale } from "../../support/open-sale.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, claimServer } from "./claim-server.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const tokens = { secrets: [SECRET], jwks: undefined, audience: AUDIENCE, issuer: undefined, skewMs: 0 };
const good = (user: string) => [`Bearer ${secretMaker(SECRET).sign(claimsOf(user))}`];
const forged = (user: string) => [`Bearer ${secretMaker(`${SECRET}x`).sign(claimsOf(user))}`];
const HERE = "127.0.0.1";

describe("the source of a refused credential", () => {
  const stores = withStores();
  let sale: Sale;
  let server: ClaimServer;

  beforeEach(async () => {
    sale = await openSale(stores);
    server = await claimServer(stores, sale, { mode: "token", tokens });
  });
  afterEach(() => server.close());

  for (const { name, claim, find } of CLAIM_TRANSPORTS) {
    for (const [method, ask] of [
      ["IssueCoupon", claim],
      ["FindCoupon", find],
    ] as const) {
      it(`is known after ${method} over ${name}`, async () => {
        const { refusedCredentials } = server;
        const campaignId = sale.campaign._id;
        await ask(server, { campaignId }, good("alice"));
        expect(refusedCredentials.isRefused(HERE), "a good credential").to.equal(false);
        expect((await ask(server, { campaignId }, forged("alice"))).code).to.equal(Code.Unauthenticated);
        expect(refusedCredentials.isRefused(HERE), "a forged token").to.equal(true);
      });

      it(`is known after another's ${method} over ${name}`, async () => {
        const campaignId = sale.campaign._id;
        const { code } = await ask(server, { campaignId, userId: "bob" }, good("alice"));
        expect(code).to.equal(Code.PermissionDenied);
        expect(server.refusedCredentials.isRefused(HERE)).to.equal(true);
      });
    }
  }

  it("is served nevertheless: a good token gets its coupon over every transport", async () => {
    const campaignId = sale.campaign._id;
    for (const [i, { name, claim }] of CLAIM_TRANSPORTS.entries()) {
      await claim(server, { campaignId }, forged("alice"));
      expect(server.refusedCredentials.isRefused(HERE), name).to.equal(true);
      expect((await claim(server, { campaignId }, good(`user ${i}`))).coupon, name).to.be.a("string");
    }
  });
});
