import { expect } from "chai";
import { MongoClient } from "mongodb";
import { until } from "../../local/poll.ts";
import { connectMongo } from "../../record/mongo.ts";
import { watchMongoPools } from "../../record/mongo-pool-watch.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { HANG_MS } from "../support/patience.ts";
import { withStores } from "../support/with-stores.ts";

describe("metrics of the MongoDB driver's pools", () => {
  const stores = withStores();
  let metrics: Metrics;
  let client: MongoClient;

  beforeEach(async () => {
    metrics = createMetrics(fakeClock());
    ({ client } = await connectMongo({
      ...{ url: stores.env.MONGODB_URL, database: stores.env.MONGODB_DATABASE },
      ...{ connectWithinMs: HANG_MS, operationMs: HANG_MS, metrics },
    }));
  });
  afterEach(() => client.close());

  async function sizes(): Promise<{ used: number; idle: number; waiting: number }> {
    const { values } = await metrics.mongoConnections.get();
    const of = (state: string) => values.find(({ labels }) => labels.state === state)?.value ?? Number.NaN;
    const waiting = (await metrics.mongoWaiting.get()).values[0]?.value ?? Number.NaN;
    return { used: of("used"), idle: of("idle"), waiting };
  }
  const opened = async () => (await metrics.mongoOpened.get()).values[0]?.value ?? 0;

  it("connections are used while operations run, idle afterwards, and gone with the client", async () => {
    const tasks = client.db(stores.env.MONGODB_DATABASE).collection<{ _id: number }>("tasks");
    // Each open session has its own operation under way only while it runs: a burst uses several at once.
    let used = 0;
    const burst = Array.from({ length: 40 }, (_, _id) => tasks.insertOne({ _id }));
    used = (await sizes()).used;
    expect(
      await until(
        async () => {
          used = Math.max(used, (await sizes()).used);
          return used > 0;
        },
        HANG_MS,
        1,
      ),
    ).to.equal(true);
    await Promise.all(burst);
    const { used: after, idle, waiting } = await sizes();
    expect({ after, waiting }).to.deep.equal({ after: 0, waiting: 0 });
    expect(idle).to.be.at.least(2);
    expect(await opened()).to.be.at.least(idle);
    expect((await metrics.mongoConnectionsMax.get()).values[0]?.value).to.equal(32);
    const waits = (await metrics.mongoWaitSeconds.get()).values;
    expect(waits.find(({ metricName }) => metricName?.endsWith("_count"))?.value).to.be.at.least(40);
    await client.close();
    expect(await sizes()).to.deep.equal({ used: 0, idle: 0, waiting: 0 });
    const closed = (await metrics.mongoClosed.get()).values.reduce((sum, { value }) => sum + value, 0);
    expect(closed).to.equal(await opened());
  });

  it("an operation that gets no connection in time counts as failed, and waits no more", async () => {
    const narrow = new MongoClient(stores.env.MONGODB_URL, { maxPoolSize: 1, waitQueueTimeoutMS: 1 });
    const own = createMetrics(fakeClock());
    watchMongoPools(narrow, 1, own);
    try {
      const tasks = narrow.db(stores.env.MONGODB_DATABASE).collection("waits");
      let refused = 0;
      const isRefused = async () => {
        const burst = await Promise.allSettled(Array.from({ length: 60 }, () => tasks.insertOne({})));
        for (const one of burst)
          if (one.status === "rejected") {
            expect((one.reason as Error).name).to.equal("MongoWaitQueueTimeoutError");
            refused++;
          }
        return refused > 0;
      };
      expect(await until(isRefused, HANG_MS)).to.equal(true);
      expect((await own.mongoWaitsFailed.get()).values).to.deep.equal([
        { labels: { reason: "timeout" }, value: refused },
      ]);
      const waiting = async () => (await own.mongoWaiting.get()).values[0]?.value;
      expect(await until(async () => (await waiting()) === 0, HANG_MS)).to.equal(true);
    } finally {
      await narrow.close();
    }
  });

  it("a pool that is closed takes along what never came back, and what comes back later counts no more", async () => {
    const [address, other] = ["gone:27017", "here:27017"];
    // A client of no server, whose driver would say so of a node that was lost with operations under way.
    const lost = new MongoClient("mongodb://127.0.0.1:1");
    const own = createMetrics(fakeClock());
    watchMongoPools(lost, 32, own);
    const tell = (name: string, at: string) =>
      lost.emit(name as "connectionCreated", { address: at, durationMS: 1, reason: "poolClosed" } as never);
    const told = async () => {
      const { values } = await own.mongoConnections.get();
      return [...values.map(({ value }) => value), (await own.mongoWaiting.get()).values[0]?.value];
    };
    for (const at of [address, address, other]) {
      tell("connectionCreated", at);
      tell("connectionCheckOutStarted", at);
      tell("connectionCheckedOut", at);
    }
    tell("connectionCheckOutStarted", address);
    expect(await told(), "used, idle, waiting").to.deep.equal([3, 0, 1]);
    tell("connectionPoolClosed", address);
    expect(await told()).to.deep.equal([1, 0, 0]);
    tell("connectionCheckedIn", address);
    tell("connectionClosed", address);
    expect(await told()).to.deep.equal([1, 0, 0]);
    tell("connectionCheckedIn", other);
    expect(await told()).to.deep.equal([0, 1, 0]);
    await lost.close();
  });
});
