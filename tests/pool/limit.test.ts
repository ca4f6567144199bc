import { expect } from "chai";
import { limitKey } from "../../pool/keys.ts";
import { createTakeFromLimit } from "../../pool/limit-buckets.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR = { count: 4, seconds: 3_600 };
const EVERY_MS = 900_000;

describe("limit.lua", () => {
  const stores = withStores();
  let raw: RawRedis;
  let names = 0;
  const newName = () => `test:${process.pid}-${++names}`;
  const take = (name: string, points = 1, rate = HOUR) =>
    createTakeFromLimit(stores.redis)(name, points, rate);

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });
  after(() => raw.destroy());

  it("takes points until there are too few, and tells how long until there are enough", async () => {
    const name = newName();
    const used = [];
    for (let i = 0; i < 4; i++) used.push((await take(name))[0]);
    expect(used).to.deep.equal([1, 2, 3, 4]);
    expect(await raw.pTTL(limitKey(name))).to.be.within(4 * EVERY_MS - 60_000, 4 * EVERY_MS);
    const before = Number(await raw.get(limitKey(name)));
    const [points, waitMs] = await take(name);
    expect(points).to.be.greaterThan(HOUR.count);
    expect(waitMs).to.be.within(EVERY_MS - 60_000, EVERY_MS);
    expect(Number(await raw.get(limitKey(name))), "a refused request takes nothing").to.equal(before);
    expect(await raw.pTTL(limitKey(name))).to.be.within(4 * EVERY_MS - 60_000, 4 * EVERY_MS);
  });

  it("several points at once are taken whole or not at all", async () => {
    const name = newName();
    expect((await take(name, 3))[0]).to.equal(3);
    expect((await take(name, 2))[0]).to.be.greaterThan(HOUR.count);
    expect((await take(name, 1))[0]).to.equal(4);
  });

  it("a bucket fills again by the clock of Redis", async () => {
    const name = newName();
    for (let i = 0; i < 4; i++) await take(name);
    // As if two of the four intervals had passed.
    const fullAtMs = Number(await raw.get(limitKey(name)));
    await raw.set(limitKey(name), String(fullAtMs - 2 * EVERY_MS), {
      expiration: { type: "PX", value: 60_000 },
    });
    expect([(await take(name))[0], (await take(name))[0]]).to.deep.equal([3, 4]);
    expect((await take(name))[0]).to.be.greaterThan(HOUR.count);
  });

  it("a bucket from before the clock was set back is an empty one, for no longer than one takes to fill", async () => {
    const name = newName();
    const aheadMs = Date.now() + 24 * 3_600_000;
    await raw.set(limitKey(name), String(aheadMs), { expiration: { type: "PX", value: 24 * 3_600_000 } });
    const [points, waitMs] = await take(name);
    expect(points).to.be.greaterThan(HOUR.count);
    expect(waitMs).to.be.within(EVERY_MS - 60_000, EVERY_MS);
    expect(await raw.pTTL(limitKey(name))).to.be.at.most(4 * EVERY_MS);
    expect(Number(await raw.get(limitKey(name)))).to.be.at.most(Date.now() + 4 * EVERY_MS + 60_000);
  });

  it("a bucket that was full long ago is as good as new", async () => {
    const name = newName();
    await raw.set(limitKey(name), "1000");
    expect((await take(name))[0]).to.equal(1);
  });
});
