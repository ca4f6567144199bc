import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { couponVerify } from "../support/coupon-verify.ts";
import { metric } from "../support/metrics-page.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { sellOut } from "../support/sell-out.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const COUPONS = 200;
/** A busy machine makes the codes, starts a process and warms it up in this time. */
const SOON_MS = 14_000;

describe("Servers before a start", () => {
  const stores = withStores("alone");
  let services: Services;
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
  });

  after(async () => {
    await services.end();
    raw.destroy();
  });

  const told = ({ process }: Service, campaignId: string) =>
    process.waitForLine(
      (line) => line.includes("claim path warmed up") && line.includes(campaignId),
      HANG_MS,
    );
  const trace = async () => ({
    keys: await raw.keys("cp:warm-up:*"),
    records: await stores.db.collection("warm_ups").countDocuments(),
    issuances: await stores.db.collection("warm_up_issuances").countDocuments(),
  });
  const NONE = { keys: [], records: 0, issuances: 0 };

  it("warm up, each by itself, and nothing of it is seen in the sale", async () => {
    const [one, other] = [await services.start(), await services.start({ roles: "server" })];
    const clients = connectClients(one.url);
    const { id } = await createCampaign(clients, { total: COUPONS, startsAtMs: Date.now() + SOON_MS });
    for (const service of [one, other]) {
      // How far it comes in its time depends on the machine.
      expect(JSON.parse(await told(service, id)).claims).to.be.within(1, 6_000);
      expect(await metric(service.url, "coupon_warm_ups_total")).to.equal(1);
      expect(await metric(service.url, "coupon_claims_total")).to.equal(0);
    }
    expect(await trace()).to.deep.equal(NONE);
    expect(await raw.lLen(campaignKeys(id).staged)).to.equal(COUPONS);
    expect(await stores.db.collection("issuances").countDocuments()).to.equal(0);
    await untilState(clients, id, "OPEN");
    const sale = sellOut([clients, connectClients(other.url)], id, 8);
    await sale.over;
    expect(sale.acknowledged.size).to.equal(COUPONS);
    await untilState(clients, id, "SOLD_OUT");
    const verified = await couponVerify(one.url, id);
    expect(verified.wrong).to.deep.equal([]);
    expect(verified.stores.issued).to.equal(COUPONS);
  });

  it("workers of one group warm up beside each other", async () => {
    const group = await services.start({ env: { WORKERS: "2" } });
    const clients = connectClients(group.url);
    const { id } = await createCampaign(clients, { total: 5, startsAtMs: Date.now() + SOON_MS });
    const ended = () => group.process.lines.filter((line) => line.includes(id) && /warmed up/.test(line));
    await until(() => ended().length === 2, HANG_MS);
    for (const line of ended()) expect(line).to.include("claim path warmed up");
    expect(await trace()).to.deep.equal(NONE);
  });

  it("what a killed one left is removed by another", async () => {
    const [one, killed] = [await services.start(), await services.start({ roles: "server" })];
    const clients = connectClients(one.url);
    const { id } = await createCampaign(clients, { total: 5, startsAtMs: Date.now() + SOON_MS });
    const warmUps = stores.db.collection("warm_ups");
    await until(async () => (await warmUps.countDocuments()) > 0, HANG_MS, 5);
    await killed.process.kill();
    await told(one, id);
    // The killed one may not have been as far: its traces are made, as old as they would be a minute later.
    await raw.hSet(`cp:warm-up:{${id}}:W0:meta`, "state", "open");
    await stores.db.collection("warm_up_issuances").insertOne({ campaignId: "W0" });
    await warmUps.insertOne({ _id: "W0", campaignId: id } as never);
    await warmUps.updateMany({}, { $set: { begunAt: new Date(Date.now() - 120_000) } });
    await until(async () => JSON.stringify(await trace()) === JSON.stringify(NONE), HANG_MS);
    expect(await trace()).to.deep.equal(NONE);
    const verified = await couponVerify(one.url, id);
    expect(verified.wrong).to.deep.equal([]);
  });

  it("do nothing with WARM_UP=off", async () => {
    const off = await services.start({ env: { WARM_UP: "off" } });
    const clients = connectClients(off.url);
    const { id } = await createCampaign(clients, { total: 5, startsAtMs: Date.now() + 6_000 });
    await untilState(clients, id, "OPEN");
    expect(await metric(off.url, "coupon_warm_ups_total")).to.equal(0);
  });
});
