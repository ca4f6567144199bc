import { expect } from "chai";
import { publicMetrics } from "../../../server/http/public-metrics.ts";

const PAGE = `# HELP coupon_campaign_pool_remaining Codes that nobody has.
# TYPE coupon_campaign_pool_remaining gauge
coupon_campaign_pool_remaining{campaign="01M7YQZAAWCPD2T0Z7YQGQM1FV"} 3
# HELP coupon_claims_total IssueCoupon answers by outcome.
# TYPE coupon_claims_total counter
coupon_claims_total{outcome="issued"} 7
`;

describe("the page of metrics on the port of callers", () => {
  const page = async () => PAGE;

  it("is whole where only this machine reaches it", async () => {
    for (const host of ["127.0.0.1", "::1", "localhost"])
      expect(await publicMetrics(page, host)(), host).to.equal(PAGE);
  });

  it("says nothing of campaigns where others reach it, and all else", async () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.7"]) {
      const text = await publicMetrics(page, host)();
      expect(text, host).to.equal(PAGE.slice(PAGE.indexOf("# HELP coupon_claims_total")));
    }
  });
});
