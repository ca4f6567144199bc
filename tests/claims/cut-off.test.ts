import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createPool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { createIssuances } from "../../record/issuances.ts";
import { connectMongo } from "../../record/mongo.ts";
import { openSale, reasonOf, type Sale } from "../support/open-sale.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { rawProtocol } from "../support/wire/frames.ts";
import { type StoreProxy, startProxy } from "../support/wire/proxy.ts";
import { withStores } from "../support/with-stores.ts";

/** Long: no call that was sent reaches its deadline in these tests. */
const DEADLINE_MS = 30_000;
/** A bound that holds on a busy machine too. */
const IN_THE_END_MS = 40_000;

describe("a server between which and its stores the network swallows everything", () => {
  const stores = withStores();
  let lines: Record<"redis" | "mongodb", StoreProxy>;
  let redis: Redis;
  let mongo: Awaited<ReturnType<typeof connectMongo>>;

  before(async () => {
    const [redisUrl, mongodbUrl] = [new URL(stores.env.REDIS_URL), new URL(stores.env.MONGODB_URL)];
    const lineTo = ({ hostname, port }: URL) =>
      startProxy(rawProtocol, { host: hostname, port: Number(port) });
    lines = { redis: await lineTo(redisUrl), mongodb: await lineTo(mongodbUrl) };
    const via = (url: URL, line: StoreProxy) => {
      url.port = String(line.address.port);
      return url.href;
    };
    const connectWithinMs = 20_000;
    redis = await connectRedis({ url: via(redisUrl, lines.redis), connectWithinMs, logger: silentLogger });
    mongo = await connectMongo({
      ...{ url: via(mongodbUrl, lines.mongodb), database: stores.db.databaseName, connectWithinMs },
      operationMs: DEADLINE_MS,
    });
  });

  after(async () => {
    for (const line of Object.values(lines)) line.blackHole(false);
    await redis.close();
    await mongo.client.close();
    await Promise.all(Object.values(lines).map((line) => line.close()));
  });

  async function openCutSale(): Promise<Sale> {
    const pool = createPool(redis, DEADLINE_MS);
    const probes = mongo.db.collection<{ _id: string }>("probes");
    return openSale(stores, {
      total: 60,
      pool: () => pool,
      issuances: () => createIssuances(mongo.db),
      deps: { issueDeadlineMs: DEADLINE_MS, commitDeadlineMs: DEADLINE_MS },
      breakers: {
        ...{ commitStallMs: 200, storeStallMs: 200 },
        probes: {
          write: () => probes.updateOne({ _id: "probe" }, { $currentDate: { at: true } }, { upsert: true }),
          read: () => probes.findOne({ _id: "probe" }),
          pool: (campaignId) => pool.inspect(campaignId),
        },
      },
    });
  }

  const keys = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i}`);
  const askAll = async (sale: Sale, asked: readonly string[]) =>
    (await Promise.all(asked.map((key) => sale.issue(key)))).map(reasonOf);

  async function allIssued(sale: Sale, asked: readonly string[]): Promise<void> {
    const isIssued = async () => (await askAll(sale, asked)).every((reason) => reason === "issued");
    expect(await until(isIssued, IN_THE_END_MS, 20), `${asked[0]} and those with it`).to.equal(true);
  }

  for (const cut of [["redis"], ["mongodb"], ["redis", "mongodb"]] as const) {
    it(`cut off from ${cut.join(" and ")}: once one call hangs all others are refused early and nothing is tried; all goes on when it is back`, async () => {
      const sale = await openCutSale();
      await allIssued(sale, keys("before", 3));
      await sale.claimer.idle();
      for (const store of cut) lines[store].blackHole(true);
      let isAnswered = false;
      const sent = sale.issue("sent").finally(() => {
        isAnswered = true;
      });
      expect(await until(() => sale.breakers.anyOpen(), IN_THE_END_MS, 5)).to.equal(true);
      expect(await askAll(sale, keys("early", 40))).to.deep.equal(Array(40).fill("OVERLOADED"));
      expect(isAnswered, "what was sent waits for its answer").to.equal(false);
      // If Redis is reachable, the trial claim has its code; no other claim was tried.
      const { claims } = await stores.pool.inspect(sale.campaign._id);
      expect(claims).to.equal(cut.includes("redis" as never) ? 3 : 4);
      for (const store of cut) lines[store].blackHole(false);
      expect(reasonOf(await sent)).to.equal("issued");
      await allIssued(sale, keys("early", 40));
      await sale.claimer.idle();
      const issuances = stores.db.collection<IssuanceDoc>("issuances");
      expect(await issuances.countDocuments({ campaignId: sale.campaign._id })).to.equal(44);
    });
  }
});
