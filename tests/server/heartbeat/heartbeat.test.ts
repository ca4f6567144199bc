import { expect } from "chai";
import { createTally } from "../../../claims/tally.ts";
import { until } from "../../../local/poll.ts";
import { createRedisClock } from "../../../pool/redis-clock.ts";
import { createProcesses, type Processes, type SeenProcess } from "../../../record/processes.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import {
  BEAT_EVERY_MS,
  createHeartbeat,
  type Heartbeat,
  type HeartbeatDeps,
} from "../../../server/heartbeat/heartbeat.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";

const HOUR_MS = 3_600_000;

describe("the heartbeat of a process", () => {
  const stores = withStores("each");
  let processes: Processes;
  let clock: FakeClock;
  let running: Heartbeat[];

  beforeEach(async () => {
    processes = createProcesses(stores.db);
    clock = fakeClock({ startMs: Date.now() });
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((heartbeat) => heartbeat.stop()));
  });

  function heartbeat(given: Partial<HeartbeatDeps> = {}): Heartbeat {
    const one = createHeartbeat({
      processes,
      redisClock: createRedisClock(stores.redis, clock, 10_000),
      clock,
      logger: silentLogger,
      metrics: createMetrics(),
      owner: "one",
      roles: ["server"],
      sinceTickMs: () => undefined,
      campaigns: () => [],
      ...given,
    });
    running.push(one);
    return one;
  }
  const seen = async () => (await processes.seen(HOUR_MS)).find(({ _id }) => _id === "one");
  const becomes = async (is: (one: SeenProcess | undefined) => boolean) =>
    expect(await until(async () => is(await seen()), HANG_MS, 5)).to.equal(true);
  /** Resolves when no heartbeat is under way: the timer for the next one is set. */
  const rests = () => until(() => clock.waiting().includes(BEAT_EVERY_MS), HANG_MS, 1);

  it("says who it is, how its clocks are, and what it counted", async () => {
    const tally = createTally();
    const metrics = createMetrics();
    metrics.alarms.inc({ kind: "books_differ" }, 2);
    tally.count("c", "issued", 1);
    heartbeat({ metrics, campaigns: tally.busiest, worker: 3, sinceTickMs: () => 250 }).start();
    await becomes((one) => one !== undefined);
    const one = await seen();
    expect(one).to.deep.include({ pid: process.pid, worker: 3, roles: ["server"] });
    expect(one?.version).to.match(/^\d+\.\d+\.\d+/);
    expect(one?.alarms).to.deep.equal({ books_differ: 2 });
    expect(one?.campaigns.map(({ outcomes }) => outcomes)).to.deep.equal([{ issued: 1 }]);
    expect(one?.tickAgeMs).to.be.at.least(250);
    expect(one?.redisClock?.uncertaintyMs).to.be.at.least(1);
  });

  it("beats every second, and tells the counts of now", async () => {
    const tally = createTally();
    heartbeat({ campaigns: tally.busiest }).start();
    for (let beats = 1; beats <= 3; beats++) {
      tally.count("c", "issued", 1);
      await rests();
      clock.pass(BEAT_EVERY_MS);
      await becomes((one) => one?.campaigns[0]?.outcomes["issued"] === beats);
    }
  });

  it("an orderly end is a goodbye, and no beat comes after it", async () => {
    const one = heartbeat();
    one.start();
    await rests();
    expect(await seen()).not.to.equal(undefined);
    await one.stop();
    clock.pass(10 * BEAT_EVERY_MS);
    expect([await seen(), clock.waiting()]).to.deep.equal([undefined, []]);
  });

  it("the metrics say whether each store answers, and how far the clocks are apart", async () => {
    const metrics = createMetrics(clock);
    let [isRedisAway, isMongoAway] = [false, false];
    const beat: Processes["beat"] = (...given) =>
      isMongoAway ? Promise.reject(new Error("MongoDB is away")) : processes.beat(...given);
    heartbeat({
      ...{ metrics, processes: { ...processes, beat } },
      redisClock: async () => {
        if (isRedisAway) throw new Error("Redis is away");
        return { offsetMs: -250, uncertaintyMs: 2 };
      },
    }).start();
    const told = async () => {
      const page = (await metrics.registry.metrics()).split("\n");
      return page.filter((line) => /^coupon_(store_up|clock_offset_seconds)/.test(line)).sort();
    };
    await rests();
    const [redisUp, mongoUp] = ['coupon_store_up{store="redis"}', 'coupon_store_up{store="mongodb"}'];
    const offset = "coupon_clock_offset_seconds -0.25";
    expect(await told()).to.deep.equal([offset, `${mongoUp} 1`, `${redisUp} 1`]);
    isRedisAway = true;
    clock.pass(BEAT_EVERY_MS);
    await rests();
    expect(await told()).to.deep.equal([`${mongoUp} 1`, `${redisUp} 0`]);
    [isRedisAway, isMongoAway] = [false, true];
    clock.pass(BEAT_EVERY_MS);
    await rests();
    expect(await told()).to.deep.equal([offset, `${mongoUp} 0`, `${redisUp} 1`]);
  });

  it("goes on after MongoDB or Redis did not answer, and says that it could not measure", async () => {
    let failing = true;
    const beat: Processes["beat"] = (...given) =>
      failing ? Promise.reject(new Error("MongoDB is away")) : processes.beat(...given);
    heartbeat({
      processes: { ...processes, beat },
      redisClock: () => Promise.reject(new Error("Redis is away")),
    }).start();
    await rests();
    expect(await seen()).to.equal(undefined);
    failing = false;
    clock.pass(BEAT_EVERY_MS);
    await becomes((one) => one !== undefined);
    expect(await seen()).not.to.have.property("redisClock");
  });

  it("whoever beats removes who was not heard of for an hour", async () => {
    await processes.beat("old", {
      host: "h",
      pid: 1,
      roles: [],
      version: "0",
      startedAt: new Date(),
      alarms: {},
      campaigns: [],
    });
    await stores.db
      .collection<{ _id: string }>("processes")
      .updateOne({ _id: "old" }, { $set: { seenAt: new Date(Date.now() - HOUR_MS - 60_000) } });
    heartbeat().start();
    const all = () => stores.db.collection("processes").countDocuments();
    expect(await until(async () => (await seen()) !== undefined && (await all()) === 1, HANG_MS, 5)).to.equal(
      true,
    );
  });
});
