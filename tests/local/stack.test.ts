import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { MongoClient } from "mongodb";
import { startTimeOf } from "../../local/process-identity.mjs";
import { startStack } from "../../local/stack.ts";
import { LocalStackError } from "../../local/store.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("The local stack", () => {
  let dir: ReturnType<typeof temporaryDir>;

  beforeEach(() => {
    dir = temporaryDir();
  });

  afterEach(() => dir.remove());

  it("starts both stores, answering, and stops what it started", async () => {
    const told: string[] = [];
    const stack = await startStack({ dataDir: dir.path, onStart: (kind) => told.push(kind) });
    expect(told).to.deep.equal(["redis", "mongodb"]);
    const pids = [stack.redis.pid, stack.mongodb.pid];
    expect([stack.joined, stack.redis.owned, stack.mongodb.owned]).to.deep.equal([false, true, true]);
    await Promise.all([stack.stop(), stack.stop()]);
    expect(pids.map((pid) => startTimeOf(pid ?? 0))).to.deep.equal([undefined, undefined]);
    expect(existsSync(join(dir.path, "stack.json"))).to.equal(false);
  });

  it("is joined by a second one on the same folder, whose stop leaves it alone", async () => {
    const first = await startStack({ dataDir: dir.path });
    try {
      const told: string[] = [];
      const second = await startStack({ dataDir: dir.path, onStart: (kind) => told.push(kind) });
      expect(told, "nothing is said to be started").to.deep.equal([]);
      expect([second.joined, second.redis.owned]).to.deep.equal([true, false]);
      expect([second.redis.url, second.mongodb.url]).to.deep.equal([first.redis.url, first.mongodb.url]);
      expect(await failureOf(second.redis.kill())).to.match(/not ours/);
      await second.stop();
      expect([first.redis.isRunning, first.mongodb.isRunning]).to.deep.equal([true, true]);
    } finally {
      await first.stop();
    }
  });

  it("starts once when two are started at the same moment", async () => {
    const stacks = await Promise.all([startStack({ dataDir: dir.path }), startStack({ dataDir: dir.path })]);
    try {
      expect(stacks.map((stack) => stack.joined).sort()).to.deep.equal([false, true]);
      expect(new Set(stacks.map((stack) => stack.mongodb.url))).to.have.property("size", 1);
    } finally {
      for (const stack of stacks) await stack.stop();
    }
  });

  it("refuses to join when told so, or when another port was asked for", async () => {
    const first = await startStack({ dataDir: dir.path });
    try {
      expect(await failureOf(startStack({ dataDir: dir.path, join: false }))).to.match(
        /already runs stores on/,
      );
      expect(await failureOf(startStack({ dataDir: dir.path, redisPort: 1 }))).to.match(
        /not 1\. End it first/,
      );
    } finally {
      await first.stop();
    }
  });

  it("ignores and replaces a record that is stale or spoilt", async () => {
    const stale = { owner: { pid: process.pid, startTime: "0" }, stores: {} };
    for (const content of [JSON.stringify(stale), "{ spoilt", "null"]) {
      writeFileSync(join(dir.path, "stack.json"), content);
      const stack = await startStack({ dataDir: dir.path });
      expect(stack.joined).to.equal(false);
      const { owner } = JSON.parse(readFileSync(join(dir.path, "stack.json"), "utf8")) as typeof stale;
      expect(owner.pid).to.equal(process.pid);
      expect(owner.startTime).not.to.equal("0");
      await stack.stop();
    }
  });

  it("uses the stores whose URLs are given, and writes nothing then", async () => {
    const first = await startStack({ dataDir: dir.path });
    const unused = join(dir.path, "unused");
    try {
      const given = { redisUrl: first.redis.url, mongodbUrl: first.mongodb.url };
      const second = await startStack({ dataDir: unused, ...given });
      expect([second.redis.origin, second.mongodb.origin]).to.deep.equal(["given", "given"]);
      expect([second.redis.port, second.mongodb.port]).to.deep.equal([first.redis.port, first.mongodb.port]);
      await second.stop();
      expect([existsSync(unused), first.redis.isRunning]).to.deep.equal([false, true]);
    } finally {
      await first.stop();
    }
  });

  it("says which URL is wrong, without its password, and leaves nothing running", async () => {
    const redisUrl = "redis://user:secret@127.0.0.1:1";
    const message = await failureOf(startStack({ dataDir: dir.path, redisUrl }));
    expect(message).to.match(/redis at redis:\/\/\[redacted\]@127\.0\.0\.1:1 does not answer: .*REDIS_URL/);
    expect(message).not.to.include("secret");
    expect(existsSync(join(dir.path, "stack.json"))).to.equal(false);
  });

  it("stops Redis again when MongoDB does not start", async () => {
    mkdirSync(join(dir.path, "mongodb"));
    writeFileSync(join(dir.path, "mongodb", "embedded"), "a file where a folder should be");
    writeFileSync(join(dir.path, "mongodb", "mongod"), "a file where a folder should be");
    await failureOf(startStack({ dataDir: dir.path }));
    expect(existsSync(join(dir.path, "stack.json"))).to.equal(false);
    expect(readFileSync(join(dir.path, "logs", "redis.log"), "utf8")).to.include("ready to exit, bye bye");
  });

  it("keeps its data from one run to the next", async () => {
    for (const expected of [0, 1]) {
      const stack = await startStack({ dataDir: dir.path });
      const client = new MongoClient(stack.mongodb.url);
      const collection = client.db("test").collection("runs");
      expect(await collection.countDocuments()).to.equal(expected);
      await collection.insertOne({}, { writeConcern: { w: "majority", j: true } });
      await client.close();
      await stack.stop();
    }
  });

  it("names the way out when there is no Redis and no MongoDB", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = dir.path;
    try {
      const error = await startStack({ dataDir: dir.path }).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(LocalStackError);
      expect((error as Error).message).to.match(/npm run setup.*REDIS_URL.*docker-compose\.yml/);
    } finally {
      process.env["PATH"] = path;
    }
  });
});

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not fail");
}
