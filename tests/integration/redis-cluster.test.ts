import { expect } from "chai";
import { MongoClient } from "mongodb";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { answerOf } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { metric } from "../support/metrics-page.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis } from "../support/raw-redis.ts";
import { type ClusterNode, type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { sellOut } from "../support/sell-out.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { sharedStack } from "../support/shared-stores.ts";

const COUPONS = 600;
const CALLERS = 8;
/** The number of requests for each caller, of up to ISSUE_DEADLINE_MS each. */
const LOOKS = 8;
const DATABASE = `cluster-${process.pid}`;

describe("A service on a Redis Cluster whose nodes come and go", () => {
  let cluster: RedisCluster;
  let services: Services;
  let service: Service;
  let clients: Clients;
  let mongo: MongoClient;

  before(async () => {
    const stack = await sharedStack();
    // If one part of the cluster is down, the other parts continue.
    cluster = await startRedisCluster({
      persistent: true,
      args: ["--cluster-require-full-coverage", "no"],
    });
    mongo = new MongoClient(stack.mongodb.url);
    services = createServices({
      REDIS_URL: cluster.url,
      MONGODB_URL: stack.mongodb.url,
      MONGODB_DATABASE: DATABASE,
      STORE_DEADLINE_MS: "800",
      ISSUE_DEADLINE_MS: "1500",
      LEASE_MS: "1000",
      SWEEP_AFTER_MS: "500",
      START_DEADLINE_MS: String(HANG_MS),
    });
    service = await services.start();
    clients = connectClients(service.url);
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await mongo.db(DATABASE).dropDatabase();
      await mongo.close(true);
      await cluster.close();
    }
  });

  const openSale = (campaignId: string) => sellOut([clients], campaignId, CALLERS);

  /**
   * Waits until a master of another part lists `node` as the master of the key's slot; replies that are lost
   * on the way do not matter.
   */
  async function takeOver(node: ClusterNode, key: string): Promise<void> {
    const witness = cluster.nodes.find(
      ({ store }, i) => store.isRunning && i % 3 !== cluster.nodes.indexOf(node) % 3,
    );
    const isMaster = async () => (await cluster.masterOf(key, witness).catch(() => undefined)) === node;
    const taken = async () => {
      if (await isMaster()) return true;
      // A master refuses this. A node that comes back believes it is a master until others correct it.
      await node.ask("CLUSTER", "FAILOVER", "TAKEOVER").catch(() => {});
      return isMaster();
    };
    expect(await until(taken, HANG_MS, 50), "taken over").to.equal(true);
  }

  it("master killed, replica promoted, that killed too, the first one back with older data: found again, made anew", async function () {
    this.timeout(2 * HANG_MS);
    const campaignId = await createOpenCampaign(clients, { total: COUPONS });
    const { meta, claims } = campaignKeys(campaignId);
    const a = await cluster.masterOf(meta);
    const b = cluster.nodes[cluster.nodes.indexOf(a) + 3] as ClusterNode;
    const sale = openSale(campaignId);

    await sale.untilIssued(100);
    await a.store.kill();
    // Each caller asks for one user at a time.
    const knownToA = sale.acknowledged.size + CALLERS;
    await takeOver(b, meta);
    const uncertainWithA = sale.uncertain();
    await sale.untilIssued(250);

    const known = Number(await b.ask("HLEN", claims));
    await b.store.kill();
    await a.store.start();
    await takeOver(a, meta);
    await sale.untilIssued(400);
    await sale.over;

    expect(knownToA, "the data of the first master are older").to.be.lessThan(known);
    expect(sale.uncertain(), "the second fault was felt").to.be.greaterThan(uncertainWithA);
    const raw = await openRawRedis(a.store.url);
    try {
      const books = await readBooksAtRest(raw, mongo.db(DATABASE), campaignId, COUPONS);
      expectRightBooks(books, COUPONS, sale.acknowledged);
      expect(Number(books.meta["generation"]), "made again from MongoDB").to.be.greaterThan(1);
    } finally {
      raw.destroy();
    }
    const loads = await metric(service.url, "coupon_pool_loads_total", 'outcome="loaded"');
    expect(loads).to.be.greaterThan(1);
    const waits = services.lines.filter((line) => line.includes("Redis does not serve"));
    expect(waits.length, "the log says what it waits for").to.be.greaterThan(0);
    await b.store.start();
    await cluster.untilOk(HANG_MS);
  });

  it("replica promoted and killed before any server was led to it: the topology lists a dead master, and the next is found", async function () {
    this.timeout(2 * HANG_MS);
    const campaignId = await createOpenCampaign(clients, { total: COUPONS });
    const { meta } = campaignKeys(campaignId);
    const a = await cluster.masterOf(meta);
    const b = cluster.nodes[(cluster.nodes.indexOf(a) + 3) % 6] as ClusterNode;
    const sale = openSale(campaignId);

    await sale.untilIssued(100);
    a.store.pause();
    const paused = sale.uncertain();
    expect(await until(() => sale.uncertain() > paused, HANG_MS)).to.equal(true);
    await takeOver(b, meta);
    await b.store.kill();
    await a.store.kill();
    // Long enough for many requests while the topology still lists the killed node as a master.
    const dead = sale.uncertain();
    const looked = until(() => sale.uncertain() > dead + LOOKS * CALLERS, HANG_MS);
    expect(await looked).to.equal(true);
    await a.store.start();
    await takeOver(a, meta);
    await sale.over;

    const raw = await openRawRedis(a.store.url);
    try {
      const books = await readBooksAtRest(raw, mongo.db(DATABASE), campaignId, COUPONS);
      expectRightBooks(books, COUPONS, sale.acknowledged);
    } finally {
      raw.destroy();
    }
    await b.store.start();
    await cluster.untilOk(HANG_MS);
  });

  it("starts while another part of the cluster is down, and issues from the part that is there", async function () {
    this.timeout(2 * HANG_MS);
    const campaignId = await createOpenCampaign(clients, { total: 5 });
    const home = await cluster.masterOf(campaignKeys(campaignId).meta);
    const masters = new Set<ClusterNode>();
    for (const tag of ["a", "b", "c", "d", "e", "f", "g", "h"])
      masters.add(await cluster.masterOf(`{${tag}}`));
    const [gone] = [...masters].filter((node) => node !== home) as [ClusterNode];
    await gone.store.kill();
    const late = await services.start();
    const { coupons } = connectClients(late.url);
    let answer = await answerOf(() => coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}late` }));
    const issued = async () => {
      answer = await answerOf(() => coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}late` }));
      return answer.kind === "coupon";
    };
    expect(await until(issued, HANG_MS, 50), JSON.stringify(answer)).to.equal(true);
    await gone.store.start();
  });
});
