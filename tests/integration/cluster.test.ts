import { expect } from "chai";
import { campaignKeys } from "../../pool/keys.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { createRedisProbe } from "../../pool/redis-facts.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { coupon, couponVerify } from "../support/coupon-verify.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { type ClusterNode, type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const TOTAL = 300;
const HOLDS = "CHECK_VERDICT_HOLDS";

describe("on a Redis Cluster of six nodes", () => {
  const stores = withStores();
  let cluster: RedisCluster;
  let services: Services;
  let service: Service;
  let clients: Clients;
  let redis: Redis;

  before(async () => {
    cluster = await startRedisCluster();
    services = createServices({ ...stores.env, REDIS_URL: cluster.url });
    service = await services.start();
    clients = connectClients(service.url);
    redis = await connectRedis({ url: cluster.url, connectWithinMs: 10_000, logger: silentLogger });
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      await redis?.close();
      await cluster?.close();
    }
  });

  /** Creates campaigns until each of the three masters has one. */
  async function onEachMaster(total: number): Promise<Map<ClusterNode, string>> {
    const found = new Map<ClusterNode, string>();
    while (found.size < 3) {
      const id = await createOpenCampaign(clients, { total });
      const master = await cluster.masterOf(campaignKeys(id).meta);
      if (!found.has(master)) found.set(master, id);
    }
    return found;
  }

  const issue = (campaignId: string, from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) =>
        clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${from + i}` }),
      ),
    );

  it("verify judges everything that both stores show, on whichever node the campaign is, half sold and sold out", async () => {
    for (const campaignId of (await onEachMaster(TOTAL)).values()) {
      await issue(campaignId, 0, TOTAL / 2);
      const half = await couponVerify(service.url, campaignId);
      const pooled = half.stores.checks.filter(
        ({ invariant, title }) => invariant !== "U5" || /books/.test(title),
      );
      expect(
        pooled.map(({ invariant, verdict }) => `${invariant} ${verdict}`),
        half.stdout,
      ).to.deep.equal(
        ["U1", "U3", "U4", "U5", "U8", "U10", "U14", "R1", "R3", "R4"].map(
          (invariant) => `${invariant} ${HOLDS}`,
        ),
      );
      await issue(campaignId, TOTAL / 2, TOTAL);
      await untilState(clients, campaignId, "SOLD_OUT");
      const { code, stores: told } = await couponVerify(service.url, campaignId);
      expect(code).to.equal(0);
      expect(told).to.include({ live: false, issued: TOTAL });
      expect(new Set(told.checks.map(({ verdict }) => verdict))).to.deep.equal(new Set([HOLDS]));
    }
  });

  it("verify names a code that is in two places, which it could not while it asked some node", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 10 });
    await issue(campaignId, 0, 3);
    const { meta, open } = campaignKeys(campaignId);
    const master = await cluster.masterOf(meta);
    const [code] = (await master.ask("LRANGE", open, "0", "0")) as string[];
    await master.ask("RPUSH", open, code ?? "");
    const { code: exit, wrong } = await couponVerify(service.url, campaignId);
    expect(exit).to.equal(8);
    expect(wrong).to.include("U1");
  });

  it("where it cannot judge a live pool, verify says so: by its own exit code, in the verdict, and on stderr", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 10 });
    // No process repairs the pool: no test of this file asks for it, and the lease keeps the scheduler away.
    const lease = { owner: "a test", until: new Date(Date.now() + 120_000) };
    await stores.db
      .collection<{ _id: string }>("campaigns")
      .updateOne({ _id: campaignId }, { $set: { lease } });
    const { meta } = campaignKeys(campaignId);
    await (await cluster.masterOf(meta)).ask("HSET", meta, "token", "another");
    // Each call reads three times, over twelve seconds or more.
    const [done, { code, stdout, stores: told }] = await Promise.all([
      coupon(service.url, "verify", campaignId),
      couponVerify(service.url, campaignId),
    ]);
    expect(done.code).to.equal(11);
    expect(done.stdout).to.match(/U5 +NOT JUDGED .*another Redis process/);
    expect(done.stderr).to.match(/U1, U5 could not be judged: the pool is one of another Redis process/);
    expect(code).to.equal(11);
    expect(JSON.parse(stdout)).to.include({ ok: false });
    expect(told.readings, "it looked again before it gave up").to.equal(3);
    expect(told.checks.filter((check) => (check as { prevented?: boolean }).prevented).length).to.be.above(1);
  });

  it("preflight asks the node that has the campaign, whatever it asks", async () => {
    const probe = createRedisProbe(redis, 10_000);
    for (const [master, campaignId] of await onEachMaster(1)) {
      await master.ask("CONFIG", "SET", "maxmemory", "123456789");
      for (let asked = 0; asked < 6; asked++) {
        expect((await probe.info(campaignId)).maxmemoryBytes).to.equal(123_456_789);
        expect(await probe.config(campaignId, "maxmemory")).to.equal("123456789");
      }
      await master.ask("CONFIG", "SET", "maxmemory", "0");
    }
  });
});
