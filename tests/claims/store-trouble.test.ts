import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { MongoServerError } from "mongodb";
import { ErrorReply, MaxCommandRedirectionsError } from "redis";
import { QueueFull } from "../../claims/batch-queue.ts";
import { isStoreError } from "../../claims/store-error.ts";
import { startRedis } from "../../local/redis-server.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { UserError } from "../../runtime/user-error.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

describe("store trouble", () => {
  it("a bug is not store trouble", () => {
    const bugs = [
      new TypeError("x of undefined"),
      new RangeError("too long"),
      new Error("an invariant"),
      new UserError("configuration"),
      new ConnectError("no", Code.Internal),
      Object.assign(new Error("no such file"), { code: "ENOENT" }),
      "a string",
      undefined,
      null,
      { code: "ECONNREFUSED" },
    ];
    for (const bug of bugs) expect(isStoreError(bug), String(bug)).to.equal(false);
  });

  it("a deadline, a full queue and a lost socket are", async () => {
    const late = await errorOf(withDeadline(new Promise(() => undefined), 1, "a call"));
    expect(isStoreError(late)).to.equal(true);
    expect(isStoreError(new QueueFull("full"))).to.equal(true);
    for (const code of ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]) {
      expect(isStoreError(Object.assign(new Error("socket"), { code })), code).to.equal(true);
    }
  });

  it("so is a cluster whose nodes do not agree yet on where a slot is", () => {
    expect(isStoreError(new Error("Cannot find node 127.0.0.1:7001"))).to.equal(true);
    expect(isStoreError(new MaxCommandRedirectionsError(new ErrorReply("ASK 1 127.0.0.1:7001")))).to.equal(
      true,
    );
  });

  describe("of a real MongoDB", () => {
    const stores = withStores();

    it("what the server refuses, and what a closed client throws, is", async () => {
      const refused = await errorOf(stores.db.command({ noSuchCommand: 1 }));
      expect(refused).to.be.instanceOf(MongoServerError);
      expect(isStoreError(refused)).to.equal(true);
    });
  });

  describe("of a real Redis", () => {
    const dir = temporaryDir();
    let store: Awaited<ReturnType<typeof startRedis>>;
    let redis: Redis;
    let pool: Pool;
    let raw: RawRedis;

    before(async () => {
      store = await startRedis({ dir: dir.path });
      redis = await connectRedis({ url: store.url, connectWithinMs: 10_000, logger: silentLogger });
      raw = await openRawRedis(store.url);
      pool = createPool(redis, 400);
    });

    after(async () => {
      raw.destroy();
      await redis.close().catch(() => undefined);
      await store.stop();
      dir.remove();
    });

    it("out of memory", async () => {
      await raw.configSet("maxmemory", "1");
      expect(isStoreError(await errorOf(pool.advance("x", 1)))).to.equal(true);
      await raw.configSet("maxmemory", "0");
    });

    it("a Redis that is a replica and cannot write", async () => {
      await raw.sendCommand(["REPLICAOF", "127.0.0.1", "1"]);
      const error = await errorOf(pool.loadBegin("x", 1));
      await raw.sendCommand(["REPLICAOF", "NO", "ONE"]);
      expect(String(error)).to.match(/READONLY|MASTERDOWN/);
      expect(isStoreError(error)).to.equal(true);
    });

    it("one that is silent", async () => {
      store.pause();
      const error = await errorOf(pool.inspect("x"));
      store.resume();
      expect(String(error)).to.match(/no answer within 400 ms/);
      expect(isStoreError(error)).to.equal(true);
    });

    it("one that dies under a call, and one that is gone", async () => {
      store.pause();
      const underWay = errorOf(createPool(redis, 10_000).inspect("x"));
      await store.kill();
      expect(isStoreError(await underWay), String(await underWay)).to.equal(true);
      const offline = await errorOf(pool.inspect("x"));
      expect(isStoreError(offline), String(offline)).to.equal(true);
    });

    it("a client that has been closed", async () => {
      await store.start();
      const other = await connectRedis({ url: store.url, connectWithinMs: 10_000, logger: silentLogger });
      await other.close();
      const closed = await errorOf(createPool(other, 400).inspect("x"));
      expect(isStoreError(closed), String(closed)).to.equal(true);
    });
  });
});
