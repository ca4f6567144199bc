import { createConnectTransport as createNodeTransport } from "@connectrpc/connect-node";
import { createConnectTransport as createWebTransport } from "@connectrpc/connect-web";
import { expect } from "chai";
import { type CouponClient, createCouponClient } from "../../client/coupon-client.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const user = (i: number) => `${KEY_PREFIX}${i}`;
const A_DAY_MS = 86_400_000;

describe("The client's outcomes, from a running service", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let operator: Clients;

  /** Campaigns in states that no claim changes, and two that have coupons for all. */
  let id: Record<"open" | "byRequest" | "soldOut" | "scheduled" | "cancelled" | "paused" | "ended", string>;
  const startsAtMs = Date.now() + A_DAY_MS;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    operator = connectClients(service.url);
    const [open, byRequest, soldOut, paused, ended, scheduled, cancelled] = await Promise.all([
      createOpenCampaign(operator, { total: 100, codeFormat: "가가가가가000#" }),
      createOpenCampaign(operator, { total: 100, onePerUser: false }),
      createOpenCampaign(operator, { total: 1 }),
      createOpenCampaign(operator, { total: 1 }),
      createOpenCampaign(operator, { total: 1 }),
      createScheduled(),
      createScheduled(),
    ]);
    id = { open, byRequest, soldOut, paused, ended, scheduled, cancelled };
    await operator.coupons.issueCoupon({ campaignId: soldOut, userId: user(0) });
    await operator.campaigns.pauseCampaign({ campaignId: paused });
    await operator.campaigns.endCampaign({ campaignId: ended });
    await operator.campaigns.cancelCampaign({ campaignId: cancelled });
    await untilState(operator, paused, "PAUSED");
    await untilState(operator, ended, "ENDED");
    await untilState(operator, cancelled, "CANCELLED");
  });

  async function createScheduled(): Promise<string> {
    const campaign = await createCampaign(operator, { total: 1, startsAtMs });
    await untilState(operator, campaign.id, "SCHEDULED");
    return campaign.id;
  }

  after(() => services.end());

  const clients: Readonly<Record<string, (baseUrl: string) => CouponClient>> = {
    "its own transport": (baseUrl) => createCouponClient({ baseUrl }),
    "connect-web, JSON": (baseUrl) =>
      createCouponClient({ baseUrl, transport: createWebTransport({ baseUrl }) }),
    "connect-web, binary, GET": (baseUrl) =>
      createCouponClient({
        baseUrl,
        transport: createWebTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true }),
      }),
    "connect-node": (baseUrl) =>
      createCouponClient({
        baseUrl,
        transport: createNodeTransport({ baseUrl, httpVersion: "1.1" }),
      }),
  };

  for (const [name, make] of Object.entries(clients)) {
    describe(`over ${name}`, () => {
      let client: CouponClient;
      const mine = `${KEY_PREFIX}${name}`;
      before(() => {
        client = make(service.url);
      });

      it("has the coupon of a user, the same one again, and finds it", async () => {
        const first = await client.claim(id.open.toLowerCase(), { userId: mine });
        if (first.kind !== "issued") throw new Error(first.kind);
        expect(first.replayed).to.equal(false);
        expect(first.coupon).to.include({ campaignId: id.open });
        expect(first.coupon.issuedAt.getTime()).to.be.within(startsAtMs - A_DAY_MS, Date.now());
        const again = await client.claim(id.open, { userId: mine });
        expect(again).to.deep.include({ kind: "issued", replayed: true, coupon: first.coupon });

        const found = { kind: "found", coupon: first.coupon };
        expect(await client.find(id.open, { userId: mine })).to.deep.equal(found);
        const { code } = first.coupon;
        const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
        expect(await client.find(id.open, { code: spaced })).to.deep.equal(found);
        expect(await client.find(id.open, { userId: `${mine} too` })).to.deep.equal({ kind: "none" });
        const typed = `${code.startsWith("가") ? "나" : "가"}${code.slice(1)}`;
        expect(await client.find(id.open, { code: typed })).to.include({ kind: "mistyped" });
      });

      it("keeps the request id of a campaign that is not one-per-user, and forgets it when told", async () => {
        const first = await client.claim(id.byRequest);
        const again = await client.claim(id.byRequest);
        if (first.kind !== "issued" || again.kind !== "issued")
          throw new Error(`${first.kind} ${again.kind}`);
        expect(again.coupon).to.deep.equal(first.coupon);
        expect(again.requestId).to.equal(first.requestId);
        const { requestId, coupon } = first;
        expect(await client.find(id.byRequest, { requestId })).to.deep.equal({ kind: "found", coupon });
        await client.forget(id.byRequest);
        const other = await client.claim(id.byRequest);
        expect(other).to.include({ kind: "issued", replayed: false });
        expect(other.requestId).not.to.equal(requestId);
      });

      it("says what the campaign's state does not allow", async () => {
        const early = await client.claim(id.scheduled, { userId: mine });
        if (early.kind !== "notStarted") throw new Error(early.kind);
        expect(early.startsAt?.getTime()).to.equal(startsAtMs);
        expect(early.retryAfterMs).to.be.within(A_DAY_MS / 2, A_DAY_MS);
        for (const kind of ["soldOut", "paused", "ended", "cancelled"] as const)
          expect(await client.claim(id[kind], { userId: mine })).to.include({ kind });
      });

      it("has the status of a campaign", async () => {
        const status = await client.status(id.scheduled);
        if (status.kind !== "status") throw new Error(status.kind);
        expect(status).to.include({ state: "SCHEDULED", soldOut: false, endsAt: undefined });
        expect(status).to.include({ onePerUser: true, claimAuth: "OPEN" });
        expect(status.startsAt.getTime()).to.equal(startsAtMs);
        expect(startsAtMs - status.serverTime.getTime()).to.equal(status.millisToStart);
        expect(await client.status(id.soldOut)).to.include({
          kind: "status",
          soldOut: true,
          millisToStart: 0,
        });
        expect(await client.status(id.ended)).to.include({ kind: "status", state: "ENDED" });
      });

      it("says that there is no such campaign, and that a field is wrong", async () => {
        const none = "0".repeat(26);
        expect(await client.claim(none, { userId: mine })).to.include({ kind: "unknownCampaign" });
        expect(await client.status(none)).to.include({ kind: "unknownCampaign" });
        expect(await client.find(none, { userId: mine })).to.include({ kind: "unknownCampaign" });
        expect(await client.claim(id.open, { userId: "x".repeat(129) })).to.include({ kind: "invalid" });
        expect(await client.claim(id.open)).to.include({ kind: "invalid" });
      });
    });
  }

  it("says that the address is not of this service, without asking again", async () => {
    let asked = 0;
    const client = createCouponClient({
      baseUrl: `${service.url}/elsewhere`,
      fetch(url, init) {
        asked += 1;
        return fetch(url, init);
      },
    });
    expect(await client.claim("0".repeat(26))).to.include({ kind: "failed", code: "unimplemented" });
    expect(asked).to.equal(1);
  });

  it("ends with the signal's reason", async () => {
    const client = createCouponClient({ baseUrl: service.url });
    let thrown: unknown;
    await client.claim(id.open, { userId: user(1), signal: AbortSignal.abort() }).catch((error) => {
      thrown = error;
    });
    expect(thrown).to.have.property("name", "AbortError");
  });
});
