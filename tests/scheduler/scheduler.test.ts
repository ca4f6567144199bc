import { expect } from "chai";
import { openAuditor } from "../../audit/stores/auditor.ts";
import { createRestore } from "../../campaign/restore.ts";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { Pool } from "../../pool/pool.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import { createScheduler, type Scheduler } from "../../scheduler/scheduler.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;

describe("scheduler", () => {
  const stores = withStores("each");
  let raw: RawRedis;
  let records: Records;
  let running: Scheduler[];

  beforeEach(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
    records = recordsOf(stores.db);
    running = [];
  });

  afterEach(async () => {
    await Promise.all(running.map((scheduler) => scheduler.stop()));
    raw.destroy();
  });

  function scheduler(clock: Clock, pool: Pool = stores.pool): { scheduler: Scheduler; metrics: Metrics } {
    const metrics = createMetrics();
    const deps = { ...records, pool, clock, metrics, logger: silentLogger, owner: "test", leaseMs: 10_000 };
    const one = createScheduler({ ...deps, settleMs: 10_000, restore: createRestore(deps) });
    running.push(one);
    return { scheduler: one, metrics };
  }
  /** A campaign whose pool is loaded; by default its start was an hour ago on Redis's clock. */
  async function loaded(given: Partial<CampaignDoc> = {}): Promise<CampaignDoc> {
    const { campaign } = await madeCampaign(records, given);
    const deps = { ...records, pool: stores.pool, clock: systemClock, owner: "test", leaseMs: 10_000 };
    await createRestore({ ...deps, metrics: createMetrics(), logger: silentLogger })(campaign._id);
    return campaign;
  }
  const look = async ({ _id }: CampaignDoc) => {
    const [doc, pool] = await Promise.all([records.campaigns.find(_id), stores.pool.inspect(_id)]);
    return { record: doc?.state, pool: pool.state, status: pool.status, openedAt: doc?.openedAt?.getTime() };
  };
  const becomes = (campaign: CampaignDoc, record: string) =>
    until(async () => (await look(campaign)).record === record, HANG_MS, 5);
  const lateness = async (metrics: Metrics) => {
    const { values } = await metrics.armLatenessSeconds.get();
    return values.find(({ metricName }) => metricName?.endsWith("_count"))?.value ?? 0;
  };
  const claimAll = (campaign: CampaignDoc, count: number) =>
    stores.pool.claim(
      campaign._id,
      Date.now(),
      Array.from({ length: count }, (_, i) => ({ claimKey: `user-${i}`, userId: "" })),
    );

  it("aims within sight, arms at the instant and not before, writes it down once", async () => {
    const campaign = await loaded();
    const startMs = campaign.startsAt.getTime();
    const clock = fakeClock({ startMs: startMs - 90_001, earlyMs: 1 });
    const { scheduler: one, metrics } = scheduler(clock);
    await one.reconcile();
    expect(clock.waiting()).to.deep.equal([]);
    clock.pass(1);
    for (let i = 0; i < 3; i++) await one.reconcile();
    expect(clock.waiting()).to.have.length(1);
    clock.pass(startMs - 1 - clock.now());
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "SCHEDULED", pool: "staged" });
    for (let i = 0; i < 3; i++) clock.pass(1);
    expect(await becomes(campaign, "OPEN")).to.equal(true);
    const { armedAtMs } = await stores.pool.inspect(campaign._id);
    expect(await look(campaign)).to.include({ pool: "open", openedAt: armedAtMs });
    await one.reconcile();
    expect([await lateness(metrics), clock.waiting()]).to.deep.equal([1, []]);
    expect((await look(campaign)).openedAt).to.equal(armedAtMs);
  });

  it("catches up after downtime in its first round", async () => {
    const campaign = await loaded();
    const clock = fakeClock({ startMs: campaign.startsAt.getTime() + HOUR_MS / 2 });
    await scheduler(clock).scheduler.reconcile();
    expect(await look(campaign)).to.include({ record: "OPEN", pool: "open" });
  });

  it("writes down what a claim has opened meanwhile, with the instant that Redis has", async () => {
    const campaign = await loaded();
    const [answer] = await claimAll(campaign, 1);
    if (answer?.kind !== "claimed") throw new Error("not claimed");
    const { scheduler: one, metrics } = scheduler(fakeClock({ startMs: Date.now() }));
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "OPEN", openedAt: answer.claim.issuedAtMs });
    expect(await lateness(metrics)).to.equal(0);
  });

  it("several at once: one opens it, it is recorded once, and the others see that", async () => {
    const campaign = await loaded();
    const clock = fakeClock({ startMs: campaign.startsAt.getTime() });
    const all = Array.from({ length: 4 }, () => scheduler(clock));
    const steps: boolean[] = [];
    const { advance } = records.campaigns;
    records.campaigns.advance = async (...args) => {
      const stepped = await advance(...args);
      steps.push(stepped);
      return stepped;
    };
    await Promise.all(all.map((one) => one.scheduler.reconcile()));
    await Promise.all(all.map((one) => one.scheduler.reconcile()));
    const opened = await Promise.all(all.map(({ metrics }) => lateness(metrics)));
    expect(opened.reduce((sum, count) => sum + count)).to.equal(1);
    expect(steps.filter(Boolean)).to.have.length(1);
    expect(await look(campaign)).to.include({ record: "OPEN", pool: "open" });
  });

  it("Redis's clock behind ours: not early, aims anew at what Redis says, and opens then", async () => {
    // By Redis' clock the start must come after all that precedes it here: a busy machine needs more time.
    for (let leadMs = 400; ; leadMs *= 4) {
      const startsAt = new Date(Date.now() + leadMs);
      const campaign = await loaded({ startsAt });
      const clock = fakeClock({ startMs: startsAt.getTime() + 5 });
      const { scheduler: one } = scheduler(clock);
      await one.reconcile();
      const seen = await look(campaign);
      if (Date.now() < startsAt.getTime()) {
        expect(seen).to.include({ record: "SCHEDULED", pool: "staged" });
        const [waitMs = 0] = clock.waiting();
        expect(waitMs).to.be.within(1, leadMs);
        // The test's clock has passed the start and Redis's has not: Redis again reports a wait.
        clock.pass(1);
        expect(clock.waiting()).to.have.length(1);
        expect(await until(() => Date.now() > startsAt.getTime() + 2, HANG_MS, 5)).to.equal(true);
        clock.pass(waitMs);
        expect(await becomes(campaign, "OPEN")).to.equal(true);
        expect((await look(campaign)).openedAt).to.be.at.least(startsAt.getTime());
        return;
      }
    }
  });

  it("sold out is written down only when every coupon is durable", async () => {
    const campaign = await loaded({ total: 3 });
    const clock = fakeClock({ startMs: Date.now() });
    const { scheduler: one, metrics } = scheduler(clock);
    const alarms = async () =>
      (await metrics.alarms.get()).values.flatMap(({ labels, value }) =>
        value > 0 ? [[labels.kind, value]] : [],
      );
    const answers = await claimAll(campaign, 3);
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "OPEN" });

    const issuances = answers.map((answer): IssuanceDoc => {
      if (answer.kind !== "claimed") throw new Error("not claimed");
      const { code, claimKey, generation, seq } = answer.claim;
      return { _id: code, campaignId: campaign._id, claimKey, generation, seq, issuedAt: new Date() };
    });
    await records.issuances.insert(issuances.slice(0, 2));
    expect(await alarms()).to.deep.equal([]);
    await stores.pool.settle(campaign._id, 1, [1, 2, 3]);
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "OPEN" });
    expect(await alarms()).to.deep.equal([["books_differ", 1]]);
    // A claim that was settled without being durable: its code is in the pool again.
    expect(await stores.pool.inspect(campaign._id)).to.include({ generation: 2, openCodes: 1, claims: 2 });
    // An insert of the generation before arrives late: only a comparison brings it into the pool.
    await records.issuances.insert(issuances.slice(2));
    await one.reconcile();
    clock.pass(10_000);
    await one.reconcile();
    const rebuilt = async () => (await stores.pool.inspect(campaign._id)).generation === 3;
    expect(await until(rebuilt, HANG_MS, 5)).to.equal(true);
    expect(await stores.pool.inspect(campaign._id)).to.include({ openCodes: 0, claims: 3 });
    expect(await alarms()).to.deep.equal([["books_differ", 2]]);
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "SOLD_OUT" });
  });

  it("aims at the end, ends at it, and writes it down when nothing is under way", async () => {
    const endsAt = new Date(Date.now() - HOUR_MS / 2);
    const campaign = await loaded({ endsAt });
    const clock = fakeClock({ startMs: endsAt.getTime() - 30_000 });
    const { scheduler: one } = scheduler(clock);
    await one.reconcile();
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "OPEN", pool: "open" });
    const asked = [{ claimKey: "a", userId: "" }];
    expect((await stores.pool.claim(campaign._id, clock.now(), asked))[0]?.kind).to.equal("claimed");
    expect(clock.waiting()).to.have.length(1);
    clock.pass(30_000);
    expect(await until(async () => (await look(campaign)).pool === "ended", HANG_MS, 5)).to.equal(true);
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "OPEN" });
    await stores.pool.settle(campaign._id, 1, [1]);
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "ENDED", pool: "ended" });
  });

  describe("coupons that are being added when the end comes", () => {
    const OWNER = "generator";
    const endsAt = new Date(Date.now() - HOUR_MS / 2);
    /** A campaign of three coupons and an addition of two, whose codes are all made but do not count yet. */
    async function adding(given: Partial<CampaignDoc> = {}): Promise<CampaignDoc> {
      const campaign = await loaded({ total: 3, endsAt, adding: { count: 2 }, ...given });
      const more = [3, 4].map((ordinal) => ({
        _id: `${campaign._id}-${ordinal}`,
        campaignId: campaign._id,
        ordinal,
      }));
      await records.coupons.insert(more);
      await records.campaigns.takeLease(campaign._id, OWNER, HOUR_MS, false);
      return campaign;
    }
    const finish = ({ _id }: CampaignDoc) => records.campaigns.finishAdding(_id, OWNER, 2);
    const afterIt = () => fakeClock({ startMs: endsAt.getTime() + 1 });
    async function books({ _id }: CampaignDoc) {
      const [doc, pool] = await Promise.all([records.campaigns.find(_id), stores.pool.inspect(_id)]);
      const { total, adding: pending, dropped } = doc ?? {};
      return { total, adding: pending, dropped, pool: pool.total };
    }
    /** The violations, as `coupon verify` reports them. */
    async function violations({ _id }: CampaignDoc): Promise<string[]> {
      const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl, MONGODB_DATABASE: database } = stores.env;
      const auditor = await openAuditor({ redisUrl, mongodbUrl, database });
      try {
        expect(await auditor.waitForRest(_id, ["ENDED"], 5_000)).to.equal(true);
        const { verdicts } = await auditor.audit(_id);
        return verdicts.filter(({ ok }) => !ok).map(({ invariant }) => invariant);
      } finally {
        await auditor.close();
      }
    }

    it("the end comes first: they are dropped, they never count, and the books are right", async () => {
      const campaign = await adding();
      const { scheduler: one } = scheduler(afterIt());
      for (let i = 0; i < 3; i++) await one.reconcile();
      expect(await look(campaign)).to.include({ record: "ENDED", pool: "ended" });
      expect(await finish(campaign)).to.equal(null);
      expect(await records.campaigns.nextToGenerate()).to.equal(null);
      expect(await books(campaign)).to.deep.equal({ total: 3, adding: undefined, dropped: 2, pool: 3 });
      const [end] = await records.history.list(campaign._id, undefined, 1);
      expect([end?.verb, end?.before?.adding, end?.after.adding]).to.deep.equal(["end", 2, undefined]);
      expect(await violations(campaign)).to.deep.equal([]);
    });

    it("they count just before it is written down: the pool gets them first, and the books are right", async () => {
      const campaign = await adding();
      const { advance } = records.campaigns;
      let finished = 0;
      records.campaigns.advance = async (id, from, to, own) => {
        if (to === "ENDED" && finished++ === 0) expect(await finish(campaign)).to.include({ total: 5 });
        return advance(id, from, to, own);
      };
      const { scheduler: one } = scheduler(afterIt());
      const ended = async () => {
        await one.reconcile();
        return (await look(campaign)).record === "ENDED";
      };
      expect(await until(ended, HANG_MS, 5)).to.equal(true);
      expect(finished).to.be.greaterThan(1);
      expect(await books(campaign)).to.deep.equal({
        total: 5,
        adding: undefined,
        dropped: undefined,
        pool: 5,
      });
      const verbs = (await records.history.list(campaign._id, undefined, 2)).map(({ verb }) => verb);
      expect(verbs).to.deep.equal(["end", "added"]);
      expect(await violations(campaign)).to.deep.equal([]);
    });

    it("it was sold out: it ends, and they are dropped", async () => {
      const campaign = await adding({ state: "SOLD_OUT" });
      const { scheduler: one } = scheduler(afterIt());
      await one.reconcile();
      expect(await look(campaign)).to.include({ record: "ENDED", pool: "ended" });
      expect(await finish(campaign)).to.equal(null);
      expect(await books(campaign)).to.include({ total: 3, dropped: 2, pool: 3 });
    });
  });

  it("a sold out campaign ends when its end comes, and not before, nor while a change is decided", async () => {
    const endsAt = new Date(Date.now() - HOUR_MS / 2);
    const campaign = await loaded({ state: "SOLD_OUT", endsAt });
    const open = await loaded({ state: "SOLD_OUT" });
    const clock = fakeClock({ startMs: endsAt.getTime() - 1 });
    const { scheduler: one } = scheduler(clock);
    await one.reconcile();
    expect((await look(campaign)).record).to.equal("SOLD_OUT");
    expect(await stores.pool.freeze(campaign._id, clock.now(), 2, 0)).to.include({ kind: "frozen" });
    clock.pass(1);
    await one.reconcile();
    expect((await look(campaign)).record).to.equal("SOLD_OUT");
    await raw.hDel(campaignKeys(campaign._id).meta, "held");
    await one.reconcile();
    expect(await look(campaign)).to.include({ record: "ENDED", pool: "ended" });
    expect((await look(open)).record).to.equal("SOLD_OUT");
    const entries = await records.history.list(campaign._id, undefined, 10);
    expect(entries.map(({ verb, actor }) => [verb, actor])).to.deep.equal([["end", "scheduler"]]);
  });

  it("a sold out campaign whose pool was lost ends too, once that is there again", async () => {
    const endsAt = new Date(Date.now() - HOUR_MS / 2);
    const campaign = await loaded({ state: "SOLD_OUT", endsAt });
    await raw.unlink(Object.values(campaignKeys(campaign._id)));
    const { scheduler: one } = scheduler(fakeClock({ startMs: endsAt.getTime() }));
    const ended = async () => {
      await one.reconcile();
      return (await look(campaign)).record === "ENDED";
    };
    expect(await until(ended, HANG_MS, 5)).to.equal(true);
    expect(await look(campaign)).to.include({ pool: "ended", status: "ok" });
  });

  for (const damage of ["deleted", "fenced"] as const) {
    it(`repairs a pool that was ${damage}, from MongoDB, and goes on from there`, async () => {
      const campaign = await loaded();
      const clock = fakeClock({ startMs: campaign.startsAt.getTime() - HOUR_MS });
      const { scheduler: one } = scheduler(clock);
      const keys = campaignKeys(campaign._id);
      if (damage === "deleted") await raw.unlink(Object.values(keys));
      else await raw.hSet(keys.meta, "token", "elsewhere");
      await one.reconcile();
      expect(await until(async () => (await look(campaign)).status === "ok", HANG_MS, 5)).to.equal(true);
      expect(await stores.pool.inspect(campaign._id)).to.include({
        state: "staged",
        stagedCodes: 10,
        generation: 2,
      });
      clock.pass(HOUR_MS);
      await one.reconcile();
      expect(await look(campaign)).to.include({ record: "OPEN", pool: "open" });
    });
  }

  it("a pool that is lost between looking and arming is loaded at once", async () => {
    const campaign = await loaded();
    const clock = fakeClock({ startMs: campaign.startsAt.getTime() });
    const { scheduler: one } = scheduler(clock, {
      ...stores.pool,
      async advance(...args) {
        await raw.unlink(Object.values(campaignKeys(campaign._id)));
        return stores.pool.advance(...args);
      },
    });
    await one.reconcile();
    expect(await stores.pool.inspect(campaign._id)).to.include({ status: "ok", generation: 2 });
  });

  it("trouble with one campaign does not stop the others; the round says so", async () => {
    const [bad, good] = [await loaded(), await loaded()];
    const { scheduler: one } = scheduler(fakeClock({ startMs: Date.now() }), {
      ...stores.pool,
      inspect: (id) => (id === bad._id ? Promise.reject(new Error("not now")) : stores.pool.inspect(id)),
    });
    const trouble = await one.reconcile().catch((error: Error) => error.message);
    expect(trouble).to.equal("not now");
    expect((await look(bad)).record).to.equal("SCHEDULED");
    expect((await look(good)).record).to.equal("OPEN");
  });

  it("after stop nothing is armed; stop waits for what is under way", async () => {
    const campaign = await loaded();
    const clock = fakeClock({ startMs: campaign.startsAt.getTime() - 1_000 });
    const { scheduler: one } = scheduler(clock);
    await one.reconcile();
    expect(clock.waiting()).to.have.length(1);
    await one.stop();
    expect(clock.waiting()).to.deep.equal([]);
    clock.pass(5_000);
    expect(clock.waiting()).to.deep.equal([]);
    expect(await look(campaign)).to.include({ record: "SCHEDULED", pool: "staged" });

    let repaired = false;
    const lost = await loaded();
    await raw.unlink(Object.values(campaignKeys(lost._id)));
    const { scheduler: other } = scheduler(fakeClock({ startMs: lost.startsAt.getTime() - HOUR_MS }), {
      ...stores.pool,
      async loadCommit(...args) {
        const outcome = await stores.pool.loadCommit(...args);
        repaired = true;
        return outcome;
      },
    });
    await other.reconcile();
    await other.stop();
    expect(repaired).to.equal(true);
  });

  it("runs by itself on the real clock: a round at once, then every second, until stopped", async () => {
    const campaign = await loaded();
    const { scheduler: one } = scheduler(systemClock);
    one.start();
    one.start();
    expect(await becomes(campaign, "OPEN")).to.equal(true);
    const next = await loaded();
    expect(await becomes(next, "OPEN")).to.equal(true);
    const startsAt = new Date(Date.now() + 1_500);
    const soon = await loaded({ startsAt });
    expect(await becomes(soon, "OPEN")).to.equal(true);
    const { openedAt = 0 } = await look(soon);
    expect(openedAt - startsAt.getTime()).to.be.within(0, 500);
    await one.stop();
  });
});
