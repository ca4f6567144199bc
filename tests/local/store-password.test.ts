import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { MongoClient, MongoServerError } from "mongodb";
import { type Stack, startStack } from "../../local/stack.ts";
import { LocalStackError } from "../../local/store.ts";
import { connectRedis } from "../../pool/redis.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const FILE = "store-password";

describe("stores of npm start, with a password", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let stack: Stack;
  let password = "";

  before(async () => {
    dir = temporaryDir();
    stack = await startStack({ dataDir: dir.path, withPassword: true });
    password = readFileSync(join(dir.path, FILE), "utf8").trim();
  });
  after(async () => {
    await stack?.stop();
    dir?.remove();
  });

  const modeOf = (...path: string[]) => statSync(join(dir.path, ...path)).mode & 0o777;

  async function mongodbAt(url: string) {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: HANG_MS });
    try {
      const things = client.db("any").collection<{ _id: string }>("things");
      await things.insertOne({ _id: `one-${Math.random()}` });
      return await things.countDocuments();
    } finally {
      await client.close();
    }
  }
  const refusalOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );
  const bare = (url: string) => url.replace(/\/\/.*@/, "//").replace(/&authMechanism=[^&]*/, "");

  it("Redis serves whoever knows it, and nobody else", async () => {
    expect(password).to.match(/^[0-9a-f]{64}$/);
    const redis = await connectRedis({
      url: stack.redis.url,
      connectWithinMs: HANG_MS,
      logger: silentLogger,
    });
    await redis.close();
    const refused = await refusalOf(
      connectRedis({ url: bare(stack.redis.url), connectWithinMs: HANG_MS, logger: silentLogger }),
    );
    expect(String(refused)).to.match(/NOAUTH/);
    const raw = await openRawRedis(stack.redis.url);
    expect(await raw.ping()).to.equal("PONG");
    raw.destroy();
  });

  it("MongoDB serves whoever knows it, and nobody else", async () => {
    expect(await mongodbAt(stack.mongodb.url)).to.equal(1);
    const without = await refusalOf(mongodbAt(bare(stack.mongodb.url)));
    expect(without).to.be.instanceOf(MongoServerError).with.property("codeName", "Unauthorized");
    for (const url of [
      stack.mongodb.url.replace(
        password,
        password.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      ),
      stack.mongodb.url.replace("coupon:", "root:"),
    ]) {
      const wrong = await refusalOf(mongodbAt(url));
      expect(wrong).to.be.instanceOf(MongoServerError).with.property("code", 18);
    }
    expect(await mongodbAt(stack.mongodb.url)).to.equal(2);
  });

  it("it is in no command line and in no log, and what holds it is its owner's alone", () => {
    for (const { pid } of [stack.redis, stack.mongodb]) {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      expect(line).to.not.equal("");
      expect(line).to.not.include(password);
    }
    expect(modeOf(FILE)).to.equal(0o600);
    expect(modeOf("stack.json")).to.equal(0o600);
    expect(modeOf("redis")).to.equal(0o700);
    expect(modeOf("mongodb", "embedded")).to.equal(0o700);
    expect(modeOf("redis", "password.conf")).to.equal(0o600);
    expect(modeOf("logs")).to.equal(0o700);
    for (const name of readdirSync(join(dir.path, "logs"))) {
      expect(modeOf("logs", name), name).to.equal(0o600);
      expect(readFileSync(join(dir.path, "logs", name), "utf8")).to.not.include(password);
    }
  });

  it("another process that joins the stores knows it, and the next start has the same", async () => {
    const joined = await startStack({ dataDir: dir.path, withPassword: true });
    expect([joined.joined, joined.redis.url, joined.mongodb.url]).to.deep.equal([
      ...[true, stack.redis.url, stack.mongodb.url],
    ]);
    await joined.stop();
    await stack.stop();
    stack = await startStack({ dataDir: dir.path, withPassword: true });
    expect(stack.redis.url).to.include(`:${password}@`);
    expect(await mongodbAt(stack.mongodb.url)).to.equal(3);
  });

  it("a password file that others may read is refused, with what to do", async () => {
    await stack.stop();
    chmodSync(join(dir.path, FILE), 0o644);
    const refused = await refusalOf(startStack({ dataDir: dir.path, withPassword: true }));
    expect(refused).to.be.instanceOf(LocalStackError);
    expect(String(refused))
      .to.include(join(dir.path, FILE))
      .and.match(/mode 0644.*Remove it/);
    expect(existsSync(join(dir.path, "stack.json"))).to.equal(false);
  });
});
