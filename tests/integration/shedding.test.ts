import { expect } from "chai";
import { openSlowLine, type SlowLine } from "../../bench/rates/overload/slow-line.ts";
import { until } from "../../local/poll.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { type Refusal, RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { metric } from "../support/metrics-page.ts";
import { HANG_MS } from "../support/patience.ts";
import { post } from "../support/post.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

/** A claim's way to Redis takes so long, and each call has one claim, two calls at a time. */
const REDIS_DELAY_MS = 20;
const CALLERS = 40;

describe("a service with more callers than it can serve", function () {
  this.timeout(2 * HANG_MS);
  const stores = withStores();
  let line: SlowLine;
  let services: Services;
  let url: string;
  let clients: Clients;

  before(async () => {
    const redis = new URL(stores.env.REDIS_URL);
    line = await openSlowLine({ host: redis.hostname, port: Number(redis.port) }, REDIS_DELAY_MS);
    redis.host = `127.0.0.1:${line.port}`;
    services = createServices({ ...stores.env, REDIS_URL: redis.href });
    const env = { CLAIM_BATCH_MAX: "1", CLAIM_WAIT_TARGET_MS: "1" };
    url = (await services.start({ env })).url;
    clients = connectClients(url);
  });

  after(async () => {
    try {
      await services?.end();
    } finally {
      await line?.close();
    }
  });

  it("refuses claims, while health checks and operators' calls are answered; the refused get theirs later", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 100_000 });
    let stopped = false;
    const codes = new Set<string>();
    const refusals: (Refusal | undefined)[] = [];

    /** Asks with one key until it has a coupon, again at once after a refusal; then with the next key. */
    async function press(caller: number): Promise<void> {
      for (let user = 0; !stopped; user += 1) {
        for (let isHeld = false; !isHeld; ) {
          const claim = { campaignId, userId: `caller-${caller}-${user}` };
          const { status, json, refusal } = await post(url, "CouponService/IssueCoupon", claim);
          if (status === 200) codes.add((json as { coupon: { code: string } }).coupon.code);
          else refusals.push(refusal);
          isHeld = status === 200;
        }
      }
    }

    const shed = () => metric(url, "coupon_shed_total");
    const pressing = Array.from({ length: CALLERS }, (_, caller) => press(caller));
    try {
      expect(await until(async () => (await shed()) >= 100, HANG_MS)).to.equal(true);
      for (let round = 0; round < 5; round += 1) {
        const before = await shed();
        const [ready, healthy, { campaign }] = await Promise.all([
          fetch(new URL("/readyz", url)),
          fetch(new URL("/healthz", url)),
          clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC }),
        ]);
        expect([ready.status, healthy.status, campaign?.id]).to.deep.equal([200, 200, campaignId]);
        expect(await until(async () => (await shed()) > before, HANG_MS)).to.equal(true);
      }
    } finally {
      stopped = true;
      await Promise.all(pressing);
    }
    expect(new Set(refusals.map((refusal) => refusal?.reason))).to.deep.equal(
      new Set([RefusalReason.OVERLOADED]),
    );
    const waits = refusals.map((refusal) => Number(refusal?.retryAfterMs));
    expect(Math.min(...waits)).to.be.at.least(10);
    expect(Math.max(...waits)).to.be.within(20, 5_000);
    expect(new Set(waits).size).to.be.greaterThan(10);
    const { campaign } = await clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
    expect(codes.size).to.equal(campaign?.issued);
  });
});
