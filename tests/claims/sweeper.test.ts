import { expect } from "chai";
import { PROBE_EVERY_MS } from "../../claims/breaker.ts";
import { createSweeper, type Sweeper } from "../../claims/sweeper.ts";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { gate, issuedBy, openSale, reasonOf, type Sale } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

describe("sweeper", () => {
  const stores = withStores("each");
  let raw: RawRedis;

  beforeEach(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  afterEach(async () => {
    raw.destroy();
  });

  const sweeperOf = (sale: Sale, sweepAfterMs = 0, clock = fakeClock()): Sweeper =>
    createSweeper({
      pool: stores.pool,
      campaigns: recordsOf(stores.db).campaigns,
      claimer: sale.claimer,
      breakers: sale.breakers,
      clock,
      logger: silentLogger,
      metrics: sale.metrics,
      sweepAfterMs,
    });
  /** Makes the claims of a server that crashes right after Redis has decided. */
  const claimAndDie = (sale: Sale, ...keys: string[]) =>
    stores.pool.claim(
      sale.campaign._id,
      Date.now(),
      keys.map((claimKey) => ({ claimKey, userId: sale.campaign.onePerUser ? "" : `user of ${claimKey}` })),
    );
  const contents = (sale: Sale) => contentsOf(raw, sale.campaign._id);
  const issuances = () => stores.db.collection<IssuanceDoc>("issuances");

  it("finishes what a dead server left, for the same keys, and each then gets that coupon", async () => {
    const sale = await openSale(stores);
    const dead = await claimAndDie(sale, "a", "b", "c");
    expect(await sweeperOf(sale).sweep()).to.equal(3);
    await sale.claimer.idle();
    expect(await issuances().countDocuments({ campaignId: sale.campaign._id })).to.equal(3);
    expect((await contents(sale)).ledger).to.deep.equal([]);
    for (const [i, key] of ["a", "b", "c"].entries()) {
      const answer = dead[i];
      const { coupon, replayed } = issuedBy(await sale.issue(key));
      expect(replayed).to.equal(true);
      expect({ kind: "claimed", claim: coupon }).to.deep.equal(answer);
    }
    expect((await contents(sale)).open).to.have.length(7);
    expect((await sale.metrics.swept.get()).values[0]?.value).to.equal(3);
  });

  it("looks each round whether a store answers again, also where no request asks", async () => {
    const sale = await openSale(stores);
    const clock = fakeClock();
    const sweeper = sweeperOf(sale, 0, clock);
    sale.breakers.reads.suspect();
    sale.breakers.pool(sale.campaign._id).suspect();
    sweeper.start();
    expect(sale.breakers.anyOpen()).to.equal(true);
    clock.pass(500);
    expect(await until(() => !sale.breakers.anyOpen(), HANG_MS, 1)).to.equal(true);
    await sweeper.stop();
  });

  it("keeps who asked, where that is not the claim key", async () => {
    const sale = await openSale(stores, { onePerUser: false });
    await claimAndDie(sale, "request-1");
    await sweeperOf(sale).sweep();
    expect(await issuances().findOne({ claimKey: "request-1" })).to.include({ userId: "user of request-1" });
  });

  it("leaves young entries to the server that made them", async () => {
    const sale = await openSale(stores);
    await claimAndDie(sale, "a");
    expect(await sweeperOf(sale, 60_000).sweep()).to.equal(0);
    expect((await contents(sale)).ledger).to.have.length(1);
    expect((await sale.metrics.ledgerDepth.get()).values[0]?.value).to.equal(1);
    expect((await sale.metrics.ledgerOldestSeconds.get()).values[0]?.value).to.equal(0);
  });

  it("the metrics have what is left of the pool, and the age of the oldest claim that is not durable", async () => {
    const sale = await openSale(stores, { total: 10 });
    const { metrics } = sale;
    await claimAndDie(sale, "a", "b");
    const [first] = (await contents(sale)).ledger;
    const beganMs = Number(first?.message["t"]);
    const remaining = async () => {
      const page = await metrics.registry.getSingleMetricAsString("coupon_campaign_pool_remaining");
      return Number(page.split(`{campaign="${sale.campaign._id}"} `)[1]);
    };
    await sweeperOf(sale).sweep();
    const age = (await metrics.ledgerOldestSeconds.get()).values[0]?.value ?? Number.NaN;
    expect(age).to.be.within(0, (Date.now() - beganMs) / 1_000);
    expect(await remaining()).to.equal(8);
    await sale.claimer.idle();
    await sale.issue("c");
    expect(await until(async () => (await contents(sale)).ledger.length === 0, HANG_MS)).to.equal(true);
    await sweeperOf(sale).sweep();
    expect(await remaining()).to.equal(7);
    expect((await metrics.ledgerOldestSeconds.get()).values[0]?.value).to.equal(0);
  });

  it("two at once, and the owner asking meanwhile, agree", async () => {
    const sale = await openSale(stores, { total: 60 });
    const other = await openSale(stores, { total: 1 });
    const keys = Array.from({ length: 60 }, (_, i) => `user-${i}`);
    await claimAndDie(sale, ...keys);
    // The owner and the sweepers race to settle the entries, and the owner may settle all of them: how many
    // each sweeper settled is not asserted.
    const [, , ...asked] = await Promise.all([
      sweeperOf(sale).sweep(),
      sweeperOf(other).sweep(),
      ...keys.map((key) => sale.issue(key)),
    ]);
    const codes = asked.map((issue) => issuedBy(issue).coupon.code);
    expect(new Set(codes).size).to.equal(60);
    await Promise.all([sale.claimer.idle(), other.claimer.idle()]);
    expect((await contents(sale)).ledger).to.deep.equal([]);
    const durable = await issuances().find({ campaignId: sale.campaign._id }).toArray();
    expect(durable.map(({ claimKey }) => claimKey).sort()).to.deep.equal([...keys].sort());
    expect(await sale.alarms("key-taken")).to.equal(0);
  });

  it("Redis restarted too: the ledger is drained by the rebuild, nothing is lost", async () => {
    const sale = await openSale(stores);
    const dead = await claimAndDie(sale, "a", "b");
    await raw.hSet(campaignKeys(sale.campaign._id).meta, "token", "elsewhere");
    expect(await sweeperOf(sale).sweep()).to.equal(2);
    await sale.claimer.idle();
    const { meta, ledger } = await contents(sale);
    expect([meta["generation"], ledger]).to.deep.equal(["2", []]);
    const answers = [await sale.issue("a"), await sale.issue("b")];
    expect(answers.map((issue) => ({ kind: "claimed", claim: issuedBy(issue).coupon }))).to.deep.equal(dead);
  });

  it("an entry whose code belongs to somebody else is undone, and its key can claim again", async () => {
    const sale = await openSale(stores);
    const [code = ""] = sale.codes;
    await issuances().insertOne({
      _id: code,
      campaignId: sale.campaign._id,
      claimKey: "owner",
      generation: 0,
      seq: 1,
      issuedAt: new Date(),
    });
    await claimAndDie(sale, "a");
    expect(await sweeperOf(sale).sweep()).to.equal(1);
    expect((await contents(sale)).ledger).to.deep.equal([]);
    expect(issuedBy(await sale.issue("a")).coupon.code).to.equal(sale.codes[1]);
    expect(issuedBy(await sale.issue("owner")).coupon.code).to.equal(code);
  });

  it("what cannot be committed stays in the ledger for the next round", async () => {
    let failing = true;
    const sale = await openSale(stores, {
      issuances: (real) => ({
        ...real,
        insert: (docs) => (failing ? Promise.reject(new Error("not now")) : real.insert(docs)),
      }),
    });
    await claimAndDie(sale, "a");
    const sweeper = sweeperOf(sale);
    expect(await sweeper.sweep()).to.equal(0);
    expect((await contents(sale)).ledger).to.have.length(1);
    failing = false;
    // The first sweep after that starts the probe, if no probe was due before.
    const finished = await until(async () => {
      sale.clock.pass(PROBE_EVERY_MS);
      return (await sweeper.sweep()) === 1;
    }, 10_000);
    expect(finished).to.equal(true);
    await sale.claimer.idle();
    expect((await contents(sale)).ledger).to.deep.equal([]);
  });

  it("looks after campaigns that are live only", async () => {
    const sale = await openSale(stores);
    await claimAndDie(sale, "a");
    await recordsOf(stores.db).campaigns.advance(sale.campaign._id, ["SCHEDULED"], "CANCELLED", {
      by: "scheduler",
      verb: "cancel",
    });
    expect(await sweeperOf(sale).sweep()).to.equal(0);
  });

  it("goes round by itself, also after trouble, and not after stop", async () => {
    const sale = await openSale(stores);
    const clock = fakeClock();
    const sweeper = sweeperOf(sale, 0, clock);
    sweeper.start();
    const { meta } = campaignKeys(sale.campaign._id);
    const rounds = [];
    for (const trouble of [true, false]) {
      if (trouble) await raw.rename(meta, `${meta}-kept`);
      if (trouble) await raw.set(meta, "not a hash");
      await until(() => clock.waiting().length === 1, HANG_MS, 1);
      if (!trouble) await claimAndDie(sale, "a");
      clock.pass(500);
      expect(await until(() => clock.waiting().length === 1, HANG_MS, 1)).to.equal(true);
      rounds.push((await sale.metrics.swept.get()).values[0]?.value ?? 0);
      if (trouble) await raw.rename(`${meta}-kept`, meta);
    }
    expect(rounds).to.deep.equal([0, 1]);
    await sweeper.stop();
    expect(clock.waiting()).to.deep.equal([]);
    expect(reasonOf(await sale.issue("a"))).to.equal("issued");
  });

  it("stopped in the middle of a round: waits for its end, and begins no other", async () => {
    const door = gate();
    let inserting = 0;
    const sale = await openSale(stores, {
      issuances: (real) => ({
        ...real,
        async insert(docs) {
          inserting++;
          await door.passed;
          return real.insert(docs);
        },
      }),
    });
    await claimAndDie(sale, "a");
    const clock = fakeClock();
    const sweeper = sweeperOf(sale, 0, clock);
    sweeper.start();
    clock.pass(500);
    expect(await until(() => inserting === 1, HANG_MS, 1)).to.equal(true);
    let stopped = false;
    const stopping = sweeper.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).to.equal(false);
    door.open();
    await stopping;
    expect(clock.waiting()).to.deep.equal([]);
    expect(await issuances().countDocuments({ campaignId: sale.campaign._id })).to.equal(1);
  });
});
