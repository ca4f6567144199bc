import { expect } from "chai";
import type { GroupNode } from "../../local/redis-group/settings.ts";
import type { Held } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { coupon, couponVerify } from "../support/coupon-verify.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis } from "../support/raw-redis.ts";
import { type SentinelGroup, startSentinelGroup } from "../support/redis-group.ts";
import { sellOut } from "../support/sell-out.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const COUPONS = 400;
const CALLERS = 8;

describe("A service on a Redis behind Sentinels", () => {
  const stores = withStores();
  let group: SentinelGroup;
  let services: Services;
  let both: Service[];
  let clients: Clients[];

  before(async () => {
    group = await startSentinelGroup({ password: "of-the-group", failedAfterMs: 3_000 });
    services = createServices({
      ...stores.env,
      REDIS_URL: group.url,
      STORE_DEADLINE_MS: "800",
      ISSUE_DEADLINE_MS: "1500",
      LEASE_MS: "1000",
      SWEEP_AFTER_MS: "500",
      START_DEADLINE_MS: String(HANG_MS),
    });
    both = await Promise.all([services.start(), services.start()]);
    clients = both.map(({ url }) => connectClients(url));
  });

  after(async () => {
    try {
      await services?.end();
    } finally {
      await group?.close();
    }
  });

  const openSale = (campaignId: string) => sellOut(clients, campaignId, CALLERS);

  async function expectExactSale(campaignId: string, acknowledged: ReadonlyMap<string, Held>): Promise<void> {
    const [client] = clients as [Clients];
    await untilState(client, campaignId, "SOLD_OUT");
    const { host, port } = await group.masterOf("");
    const raw = await openRawRedis(`redis://:of-the-group@${host}:${port}`);
    try {
      const books = await readBooksAtRest(raw, stores.db, campaignId, COUPONS);
      expectRightBooks(books, COUPONS, acknowledged);
      expect(Number(books.meta["generation"]), "made again from MongoDB").to.be.greaterThan(1);
    } finally {
      raw.destroy();
    }
    for (const { url } of both) {
      const { code, stdout } = await couponVerify(url, campaignId);
      expect(code, stdout).to.equal(0);
    }
  }

  it("preflight finds the master, and the Sentinels", async () => {
    const [client] = clients as [Clients];
    const campaignId = await createOpenCampaign(client, { total: 5 });
    const { stdout } = await coupon(both[0]?.url ?? "", "preflight", campaignId);
    expect(stdout).to.match(/redis-role .*role master, 2 replicas; 3 of 3 Sentinels answer/);
  });

  it("master killed in a sale: a replica takes over by itself, and all is sold exactly once", async function () {
    this.timeout(2 * HANG_MS);
    const [client] = clients as [Clients];
    const campaignId = await createOpenCampaign(client, { total: COUPONS });
    const sale = openSale(campaignId);
    await sale.untilIssued(100);
    const old = await group.masterOf("");
    await old.kill();
    await sale.untilIssued(200);
    expect(await group.masterOf("")).not.to.equal(old);
    await old.start();
    await sale.over;
    expect(sale.uncertain(), "the fault was felt").to.be.greaterThan(0);
    await expectExactSale(campaignId, sale.acknowledged);
    await group.untilWhole();
  });

  it("master and all Sentinels killed, and the master started again: the sale goes on where it was", async function () {
    this.timeout(2 * HANG_MS);
    const [client] = clients as [Clients];
    const campaignId = await createOpenCampaign(client, { total: COUPONS });
    const sale = openSale(campaignId);
    await sale.untilIssued(100);
    const master: GroupNode = await group.masterOf("");
    await Promise.all(group.sentinels.map((one) => one.kill()));
    await sale.untilIssued(200);
    await master.kill();
    await master.start();
    await sale.over;
    await Promise.all(group.sentinels.map((one) => one.start()));
    await group.untilWhole();
    await expectExactSale(campaignId, sale.acknowledged);
    const told = services.lines.filter((line) => line.includes("no Sentinel answers; staying with"));
    expect(told.length).to.be.greaterThan(0);
  });
});
