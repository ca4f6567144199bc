import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { refusedBy } from "../support/answers.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { metric } from "../support/metrics-page.ts";
import { post, type Reply } from "../support/post.ts";
import { openRawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const ISSUE = "CouponService/IssueCoupon";
/** Refills one request each twelve seconds: the tests count with room for a few of them. */
const FEW = "5/60";

describe("limits of services", () => {
  const stores = withStores("alone");
  let services: Services;

  before(() => {
    services = createServices(stores.env);
  });
  after(() => services.end());

  const codeOf = ({ json }: Reply) => (json?.["coupon"] as { code?: string } | undefined)?.code;
  const isLimited = ({ refusal }: Reply) => refusal?.reason === RefusalReason.RATE_LIMITED;

  it("two servers share the limits of a user, and a winner gets its coupon at both; its trace in Redis expires", async () => {
    const env = { LIMIT_USER: FEW, LIMITS_SHARED: "on" };
    const urls = [(await services.start({ env })).url, (await services.start({ env })).url] as const;
    const campaignId = await createOpenCampaign(connectClients(urls[0]), { total: 1 });
    const claim = (url: string, userId: string) => post(url, ISSUE, { campaignId, userId });
    const coupon = codeOf(await claim(urls[0], "winner"));
    let served = 0;
    for (let i = 0; i < 20; i++) {
      if (!isLimited(await claim(urls[i % 2] ?? urls[0], "loser"))) served += 1;
      expect(codeOf(await claim(urls[i % 2] ?? urls[0], "winner")), String(i)).to.equal(coupon);
    }
    expect(served, "with one more for each server, and what is refilled").to.be.within(5, 15);
    expect(await metric(urls[1], 'coupon_over_limit_total{by="user"}')).to.be.greaterThan(0);
    const redis = await openRawRedis(stores.env.REDIS_URL);
    try {
      const keys = await redis.keys("cp:limit:*");
      expect(keys).to.have.length(2);
      for (const key of keys) expect(await redis.pTTL(key)).to.be.within(1, 60_000);
      expect(keys.join()).not.to.match(/loser|winner/);
    } finally {
      redis.destroy();
    }
  });

  it("two servers share the limit of validations, which takes nothing from claims", async () => {
    const env = { LIMIT_ADDRESS: FEW, LIMIT_VALIDATE: FEW, LIMITS_SHARED: "on" };
    const urls = [(await services.start({ env })).url, (await services.start({ env })).url] as const;
    const tills = urls.map((url) => connectClients(url).redemptions);
    let served = 0;
    for (let i = 0; i < 20; i++) {
      const call = tills[i % 2]?.validateCoupon({ code: "가나다라0000" });
      await call?.then(
        () => {
          served += 1;
        },
        async (error: unknown) => expect(refusedBy(error).reason).to.equal("RATE_LIMITED"),
      );
    }
    expect(served, "with one more for each server, and what is refilled").to.be.within(5, 9);
    const campaignId = await createOpenCampaign(connectClients(urls[0]), { total: 1 });
    expect(codeOf(await post(urls[0], ISSUE, { campaignId, userId: "u" }))).to.be.a("string");
  });

  it("a hook that knows its secret decides who claims, and denies nobody its coupon", async () => {
    const SECRET = "a-secret-of-the-hook-0123456789";
    const hook: Server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => void parts.push(part));
      request.on("end", () => {
        const { token } = JSON.parse(Buffer.concat(parts).toString()) as { token: string };
        const allow = request.headers.authorization === `Bearer ${SECRET}` && token === "person";
        response.end(JSON.stringify({ allow }));
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    try {
      const { url } = await services.start({
        env: {
          CLAIM_HOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/check`,
          CLAIM_HOOK_FAILS: "closed",
          CLAIM_HOOK_SECRET: SECRET,
          CLAIM_HOOK_DEADLINE_MS: "5000",
        },
      });
      const campaignId = await createOpenCampaign(connectClients(url), { total: 5 });
      const claim = (userId: string, token: string) =>
        post(url, ISSUE, { campaignId, userId }, { "x-challenge-token": token });
      expect((await claim("bot", "none")).refusal?.reason).to.equal(RefusalReason.PERMISSION_DENIED);
      const coupon = codeOf(await claim("person", "person"));
      expect(coupon).to.be.a("string");
      expect(codeOf(await claim("person", "none")), "a winner without a check").to.equal(coupon);
    } finally {
      hook.closeAllConnections();
      await new Promise((resolve) => hook.close(resolve));
    }
    expect(services.lines.join("\n")).not.to.include(SECRET);
  });

  it("limits of one address, and of the look-ups from it", async () => {
    const { url } = await services.start({ env: { LIMIT_ADDRESS: FEW } });
    const campaignId = await createOpenCampaign(connectClients(url), { total: 1 });
    const limited = async (method: "IssueCoupon" | "GetCampaignStatus" | "FindCoupon") => {
      let count = 0;
      for (let i = 0; i < 20; i++)
        if (isLimited(await post(url, `CouponService/${method}`, { campaignId, userId: `u${i}` })))
          count += 1;
      return count;
    };
    for (const method of ["IssueCoupon", "GetCampaignStatus", "FindCoupon"] as const)
      expect(await limited(method), method).to.be.greaterThan(4);
  });
});
