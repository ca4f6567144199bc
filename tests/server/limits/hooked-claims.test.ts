import { expect } from "chai";
import type { Refusal } from "../../../campaign/refusal.ts";
import type { HookQuestion } from "../../../claims/hook-call.ts";
import { until } from "../../../local/poll.ts";
import { refusal } from "../../support/answers.ts";
import { type Clients, connectClients, grpcClients, grpcWebClients } from "../../support/clients.ts";
import { issuedBy, openSale } from "../../support/open-sale.ts";
import { HANG_MS } from "../../support/patience.ts";
import { post } from "../../support/post.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, claimServer } from "../claim-auth/claim-server.ts";

const DENIED: Refusal = { reason: "PERMISSION_DENIED", why: "this claim was not let through: no person" };
const AWAY: Refusal = { reason: "OVERLOADED", why: "the check does not answer" };
const headers = { "x-challenge-token": "a-token" };

describe("claims behind a hook", () => {
  const stores = withStores();
  let server: ClaimServer | undefined;
  afterEach(() => server?.close());

  async function serve(verdict: (question: HookQuestion) => Refusal | undefined, total = 10) {
    const sale = await openSale(stores, { total });
    const asked: HookQuestion[] = [];
    server = await claimServer(stores, sale, {
      mode: "open",
      async hook(question) {
        asked.push(question);
        return verdict(question);
      },
    });
    return { sale, asked, campaignId: sale.campaign._id, url: `http://127.0.0.1:${server.port}`, ...server };
  }

  it("are asked about on every transport, with user, address and token; only those let through claim", async () => {
    const { asked, campaignId, url, grpcPort, sale } = await serve(({ user_id }) =>
      user_id.startsWith("bot") ? DENIED : undefined,
    );
    const grpc = grpcClients(`http://127.0.0.1:${grpcPort}`);
    try {
      const ways: readonly Clients[] = [
        connectClients(url, { json: true }),
        connectClients(url),
        grpcWebClients(url),
        grpc,
      ];
      for (const [i, { coupons }] of ways.entries()) {
        const bot = await refusal(coupons.issueCoupon({ campaignId, userId: `bot ${i}` }, { headers }));
        expect([bot.reason, bot.message]).to.deep.equal([
          DENIED.reason,
          "this claim was not let through: no person",
        ]);
        const { coupon } = await coupons.issueCoupon({ campaignId, userId: `person ${i}` }, { headers });
        expect(coupon?.code).to.be.a("string");
      }
      const facts = { campaign_id: campaignId, address: "127.0.0.1", token: "a-token" };
      expect(asked).to.deep.equal(
        ways.flatMap((_, i) => [
          { ...facts, user_id: `bot ${i}` },
          { ...facts, user_id: `person ${i}` },
        ]),
      );
      asked.length = 0;
      await post(url, "CouponService/IssueCoupon", { campaignId, userId: "by the fast path" }, headers);
      expect(asked).to.deep.equal([{ ...facts, user_id: "by the fast path" }]);
      const held = issuedBy(await sale.issue("person 0"));
      expect(held.replayed).to.equal(true);
    } finally {
      grpc.close();
    }
  });

  it("a winner gets its coupon again, whatever the hook says", async () => {
    for (const verdict of [DENIED, AWAY]) {
      const { campaignId, url, sale } = await serve(() => verdict);
      const { coupons } = connectClients(url);
      const { coupon } = issuedBy(await sale.issue("winner"));
      const again = await coupons.issueCoupon({ campaignId, userId: "winner" });
      expect([again.coupon?.code, again.replayed]).to.deep.equal([coupon.code, true]);
      const other = await refusal(coupons.issueCoupon({ campaignId, userId: "other" }));
      expect(other.reason).to.equal(verdict.reason);
      await server?.close();
      server = undefined;
    }
  });

  it("an answer that is known does not ask the hook", async () => {
    const { asked, campaignId, url, sale } = await serve(() => undefined, 1);
    const { coupons } = connectClients(url);
    await sale.issue("winner");
    // "Sold out" is known for a second after Redis confirmed it.
    const wasKnown = await until(async () => {
      await sale.issue("loser");
      const before = asked.length;
      const { reason } = await refusal(coupons.issueCoupon({ campaignId, userId: "another" }));
      expect(reason).to.equal("SOLD_OUT");
      return asked.length === before;
    }, HANG_MS / 4);
    expect(wasKnown).to.equal(true);
  });
});
