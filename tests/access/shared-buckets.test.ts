import { expect } from "chai";
import { createLimits } from "../../access/limits.ts";
import { createSharedBuckets } from "../../access/shared-buckets.ts";
import { until } from "../../local/poll.ts";
import { createTakeFromLimit } from "../../pool/limit-buckets.ts";
import { createLogger } from "../../runtime/logger.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const RATE = { count: 6, seconds: 60 };

describe("limits that all processes share", () => {
  const stores = withStores();
  let users = 0;
  const newUser = () => `user ${process.pid} ${++users} {}`;

  /** A process: buckets of its own, and those in Redis. Its clock stands still: no deadline passes. */
  function processOf(
    redis: { limit: (typeof stores)["redis"]["limit"] } = stores.redis,
    log?: string[],
    user = RATE,
  ) {
    const logger =
      log === undefined
        ? silentLogger
        : createLogger({
            level: "info",
            format: "json",
            destination: { write: (line: string) => void log.push(line) },
          });
    const clock = fakeClock();
    const shared = createSharedBuckets({ take: createTakeFromLimit(redis), clock, logger });
    const limits = createLimits({ user, address: undefined, key: undefined }, clock, shared);
    const count = async (userId: string) => limits?.count({ userId, keyName: "", address: "" });
    return { clock, shared, count };
  }

  it("count a user over several processes: one request more than the limit for each of them at most", async () => {
    const user = newUser();
    const processes = [processOf(), processOf(), processOf()];
    let within = 0;
    for (let round = 0; round < 10; round++) {
      for (const { count } of processes) if ((await count(user)) === undefined) within += 1;
    }
    expect(within).to.be.within(RATE.count, RATE.count + processes.length);
    const over = await processes[0]?.count(user);
    expect(over).to.include({ by: "user", subject: user });
    expect(over?.retryAfterMs).to.be.within(1, 60_000);
  });

  it("a large limit costs few calls, and each process lets through a 64th of it more at most", async () => {
    const rate = { count: 640, seconds: 3_600 };
    let calls = 0;
    const counting = {
      limit(keys: readonly string[], args: readonly string[]) {
        calls += 1;
        return stores.redis.limit(keys, args);
      },
    };
    const user = newUser();
    const processes = [processOf(counting, undefined, rate), processOf(counting, undefined, rate)];
    let within = 0;
    for (let round = 0; round < 500; round++)
      for (const { count } of processes) if ((await count(user)) === undefined) within += 1;
    expect(within).to.be.within(640, 640 + 2 * 10);
    expect(calls).to.be.at.most(70);
    const before = calls;
    for (const { count } of processes) for (let i = 0; i < 50; i++) await count(user);
    expect(calls, "while Redis has none, it is not asked").to.equal(before);
    // As it refills, no more pass than are refilled: those that were let through untold are told at last.
    const [one] = processes;
    within = 0;
    for (let i = 0; i < 2_000; i++) {
      one?.clock.pass(100);
      if ((await one?.count(user)) === undefined) within += 1;
    }
    expect(within).to.be.at.most(5);
  });

  it("cost a caller that asks once no call, and put no text of a caller into Redis; buckets expire", async () => {
    const own = await ownRedis();
    try {
      const { count } = processOf(own.redis);
      const user = newUser();
      await count(user);
      expect(await own.raw.keys("*")).to.deep.equal([]);
      await count(user);
      const [key = "", ...more] = await own.raw.keys("*");
      expect(more).to.deep.equal([]);
      expect(key).to.match(/^cp:limit:\{user:[\w-]{22}\}$/);
      expect(await own.raw.pTTL(key)).to.be.within(1, 60_000);
      for (let i = 0; i < 20; i++) await count(user);
      expect(await own.raw.pTTL(key), "refused requests prolong nothing").to.be.within(1, 60_000);
    } finally {
      await own.close();
    }
  });

  it("a Redis that is away or full refuses nobody: the process counts alone, says so once, and shares again", async () => {
    const own: OwnRedis = await ownRedis();
    const log: string[] = [];
    try {
      const { count, clock } = processOf(own.redis, log);
      const user = newUser();
      for (let i = 0; i < 2; i++) expect(await count(user)).to.equal(undefined);
      await own.store.kill();
      for (let i = 0; i < 2; i++) {
        expect(await count(user)).to.equal(undefined);
        clock.pass(1_000);
      }
      for (let i = 0; i < 2; i++) expect(await count(user)).to.equal(undefined);
      expect((await count(user))?.by, "its own buckets still refuse").to.equal("user");
      expect(log.filter((line) => line.includes("limits are not shared"))).to.have.length(1);
      await own.store.start();
      const isShared = async () => {
        clock.pass(1_000);
        const other = newUser();
        for (let i = 0; i < 2; i++) expect(await count(other)).to.equal(undefined);
        return log.some((line) => line.includes("limits are shared again"));
      };
      expect(await until(isShared, HANG_MS)).to.equal(true);
      expect(await until(() => own.raw.isReady, HANG_MS)).to.equal(true);
      await own.raw.configSet("maxmemory", "1");
      const other = newUser();
      for (let i = 0; i < 3; i++) {
        clock.pass(1_000);
        expect(await count(other), "a full Redis").to.equal(undefined);
      }
      expect(log.filter((line) => line.includes("limits are not shared"))).to.have.length(2);
    } finally {
      await own.close();
    }
  });

  it("a Redis that does not answer in time refuses nobody, and is not asked for a second", async () => {
    const clock = fakeClock();
    let asked = 0;
    const shared = createSharedBuckets({
      take() {
        asked += 1;
        return new Promise(() => undefined);
      },
      ...{ clock, logger: silentLogger },
    });
    const user = newUser();
    expect(await shared.take("user", user, RATE)).to.equal(0);
    const waiting = shared.take("user", user, RATE);
    clock.pass(50);
    expect(await waiting).to.equal(0);
    expect(await shared.take("user", user, RATE)).to.equal(0);
    expect(asked).to.equal(1);
    clock.pass(1_000);
    const again = shared.take("user", user, RATE);
    clock.pass(50);
    expect([await again, asked]).to.deep.equal([0, 2]);
  });

  it("no more than 256 questions are under way at once", async () => {
    const clock = fakeClock();
    let asked = 0;
    const shared = createSharedBuckets({
      take() {
        asked += 1;
        return new Promise(() => undefined);
      },
      ...{ clock, logger: silentLogger },
    });
    for (let i = 0; i < 300; i++) {
      await shared.take("user", `u${i}`, RATE);
      void shared.take("user", `u${i}`, RATE);
    }
    expect(asked).to.equal(256);
  });
});
