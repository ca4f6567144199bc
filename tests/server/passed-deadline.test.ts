import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { CLAIM_TRANSPORTS } from "../support/claim-transports.ts";
import { openSale, type Sale } from "../support/open-sale.ts";
import { post } from "../support/post.ts";
import { withStores } from "../support/with-stores.ts";
import { type ClaimServer, claimServer } from "./claim-auth/claim-server.ts";

/** Each protocol reads its own of the two. */
const PASSED = ["connect-timeout-ms", "0", "grpc-timeout", "0m"];

describe("a claim whose deadline has passed before it is begun", () => {
  const stores = withStores();
  let sale: Sale;
  let server: ClaimServer;
  let claims = 0;

  before(async () => {
    sale = await openSale(stores, {
      total: 20,
      pool: (real) => ({
        ...real,
        claim(...args) {
          claims += 1;
          return real.claim(...args);
        },
      }),
    });
    server = await claimServer(stores, sale, { mode: "open" });
  });
  after(() => server.close());

  for (const { name, claim } of CLAIM_TRANSPORTS) {
    it(`is told so over ${name}, and nothing is tried`, async () => {
      const campaignId = sale.campaign._id;
      const before = claims;
      const late = await claim(server, { campaignId, userId: name }, [], PASSED);
      expect(late.code).to.equal(Code.DeadlineExceeded);
      expect(decodeURIComponent(late.text)).to.include("before anything was tried").and.not.include("store");
      expect(claims).to.equal(before);
      const { coupon, replayed } = await claim(server, { campaignId, userId: name }, []);
      expect(coupon).to.be.a("string");
      expect(replayed).to.equal(false);
    });
  }

  it("is HTTP 504 with its reason; a later one gets its coupon", async () => {
    const fields = { campaignId: sale.campaign._id, userId: "of HTTP" };
    const ask = (headers: Record<string, string>) =>
      post(`http://127.0.0.1:${server.port}`, "CouponService/IssueCoupon", fields, headers);
    const late = await ask({ "connect-timeout-ms": "0" });
    expect([late.status, late.code, late.refusal?.reason]).to.deep.equal([
      504,
      "deadline_exceeded",
      RefusalReason.DEADLINE_EXCEEDED,
    ]);
    expect((await ask({})).status).to.equal(200);
  });
});
