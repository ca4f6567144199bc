import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { type Books, expectExactCodes, readBooks } from "../support/books.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const TOTAL = 60_000;

describe("A generator killed while it works", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let clients: Clients;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices({ ...stores.env, LEASE_MS: "1000" });
    clients = connectClients((await services.start({ roles: "server" })).url);
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  const startGenerator = () => services.start({ roles: "generator" });
  const recorded = (campaignId: string) =>
    stores.db.collection<{ _id: string; generated: number }>("campaigns").findOne({ _id: campaignId });
  const generated = async (campaignId: string) => (await recorded(campaignId))?.generated ?? 0;
  const made = (campaignId: string) => stores.db.collection("coupons").countDocuments({ campaignId });
  const loading = (campaignId: string) => redis.lLen(campaignKeys(campaignId).loadingCodes);
  const staged = (campaignId: string) => redis.lLen(campaignKeys(campaignId).staged);

  /** Suspends the process as soon as the condition holds, reads what it left, then kills it. */
  async function killWhen<T>(
    { process }: Service,
    condition: () => Promise<boolean>,
    look: () => Promise<T>,
  ): Promise<T> {
    expect(await until(condition, HANG_MS, 1), "the moment to kill came").to.equal(true);
    process.pause();
    const left = await look();
    await process.kill();
    return left;
  }

  async function expectWhole(campaignId: string, total: number): Promise<Books> {
    const campaign = await untilState(clients, campaignId, "SCHEDULED");
    expect([campaign.total, campaign.generated, campaign.issued]).to.deep.equal([total, total, 0]);
    const books = await readBooks(redis, stores.db, campaignId);
    expectExactCodes(books, total);
    // The pool was loaded from MongoDB, in the order of the ordinals: no code is lost, extra or doubled.
    const codes = books.coupons.map((coupon) => coupon._id);
    expect(books.staged.length, "codes in the pool").to.equal(total);
    expect(
      books.staged.findIndex((code, i) => code !== codes[i]),
      "first difference between the pool and MongoDB",
    ).to.equal(-1);
    expect([books.open.length, books.ledgerDepth, Object.keys(books.claims).length]).to.deep.equal([0, 0, 0]);
    expect(await loading(campaignId), "codes left in the loading list").to.equal(0);
    return books;
  }

  it("four times, from the first codes to the loading of the pool: exactly N codes in the end", async () => {
    const startsAtMs = Date.now() + 3_600_000;
    const { id } = await createCampaign(clients, { total: TOTAL, startsAtMs });
    const look = async () => ({
      made: await made(id),
      generated: await generated(id),
      staged: await staged(id),
    });

    const first = await killWhen(await startGenerator(), async () => (await made(id)) > 0, look);
    expect(first.made, "the first codes, before any progress was recorded").to.be.within(1, TOTAL - 1);
    for (const threshold of [15_000, 30_000]) {
      const left = await killWhen(
        await startGenerator(),
        async () => (await generated(id)) >= threshold,
        look,
      );
      expect(left.generated, `in the middle, past ${threshold}`).to.be.within(threshold, TOTAL - 1);
      expect(left.made).to.be.at.least(left.generated);
      expect(left.staged).to.equal(0);
    }
    const last = await killWhen(
      await startGenerator(),
      async () => (await loading(id)) > 0,
      async () => ({ ...(await look()), loading: await loading(id) }),
    );
    expect([last.made, last.generated, last.staged], "all made, none in the pool").to.deep.equal([
      TOTAL,
      TOTAL,
      0,
    ]);
    expect(last.loading, "half a loading list").to.be.within(1, TOTAL - 1);

    const finisher = await startGenerator();
    const { campaign } = await expectWhole(id, TOTAL);
    await finisher.process.stop(); // other processes do the next steps
    expect(campaign?.generation, "the killed load had a generation of its own").to.be.at.least(2);
  });

  it("two generators at once, the one that works killed: the other finishes, exactly N", async () => {
    const total = 30_000;
    const generators = await Promise.all([startGenerator(), startGenerator()]);
    const startsAtMs = Date.now() + 3_600_000;
    const { id } = await createCampaign(clients, { total, startsAtMs });
    const works = ({ process }: Service) =>
      process.lines.some((line) => line.includes(id) && line.includes("making codes"));
    expect(await until(() => generators.some(works), HANG_MS, 1), "one of them works").to.equal(true);
    const worker = generators.find(works) as Service;
    const left = await killWhen(
      worker,
      async () => (await made(id)) > 0,
      () => made(id),
    );
    expect(left, "killed in the middle").to.be.within(1, total - 1);
    await expectWhole(id, total);
    const workers = services.lines
      .filter((line) => line.includes(id) && line.includes("making codes"))
      .map((line) => (JSON.parse(line) as { pid: number }).pid);
    expect(workers.length, "generators that worked on it, one after the other").to.equal(2);
    expect(new Set(workers).size).to.equal(2);
  });

  it("and what two generators made side by side can be issued", async () => {
    const two = services.start({ roles: "generator,scheduler" });
    const ids = await Promise.all(
      [1, 2, 3, 4].map(async () => (await createCampaign(clients, { total: 500 })).id),
    );
    await two;
    for (const id of ids) {
      await untilState(clients, id, "OPEN");
      const books = await readBooks(redis, stores.db, id);
      expectExactCodes(books, 500);
      expect(books.open).to.deep.equal(books.coupons.map((coupon) => coupon._id));
    }
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}1` });
    expect(coupon?.seq).to.equal(1);
  });
});
