import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { serialize } from "bson";
import { expect } from "chai";
import { type Document, MongoBulkWriteError, MongoClient, MongoServerError } from "mongodb";
import { startMongodb } from "../../local/mongodb-server.ts";
import { until } from "../../local/poll.ts";
import type { Store } from "../../local/store.ts";
import { MessageReader, messageOf } from "../../local/wire-message.mjs";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const DURABLE = { writeConcern: { w: "majority", j: true } } as const;

describe("MongoDB of the local stack, with the stock driver", () => {
  const dir = temporaryDir();
  let store: Store;
  let client: MongoClient;

  before(async () => {
    store = await startMongodb({ dir: dir.path });
    client = new MongoClient(store.url, { serverSelectionTimeoutMS: 10_000 });
  });

  after(async () => {
    await client.close();
    await store.stop();
    dir.remove();
  });

  let collections = 0;
  const fresh = () => {
    collections += 1;
    return client.db("test").collection<Document & { _id: number }>(`c${collections}`);
  };

  it("inserts and finds with default options, majority and journal", async () => {
    const collection = fresh();
    await collection.insertOne({ _id: 1, text: "한글" }, DURABLE);
    const found = await collection.findOne({ _id: 1 }, { readConcern: { level: "majority" } });
    expect(found).to.deep.equal({ _id: 1, text: "한글" });
  });

  it("reports each duplicate of an unordered insertMany by its index", async () => {
    const collection = fresh();
    await collection.createIndex({ campaignId: 1, claimKey: 1 }, { unique: true });
    await collection.insertOne({ _id: 1, campaignId: "c", claimKey: "a" }, DURABLE);
    const error = await collection
      .insertMany(
        [
          { _id: 2, campaignId: "c", claimKey: "b" },
          { _id: 1, campaignId: "c", claimKey: "c" },
          { _id: 3, campaignId: "c", claimKey: "d" },
          { _id: 4, campaignId: "c", claimKey: "a" },
        ],
        { ...DURABLE, ordered: false },
      )
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(MongoBulkWriteError);
    const writeErrors = [(error as MongoBulkWriteError).writeErrors].flat();
    expect(writeErrors.map(({ index, code }) => [index, code])).to.deep.equal([
      [1, 11000],
      [3, 11000],
    ]);
    // The driver keeps the message of a bulk's write error and drops keyPattern: the message contains the
    // index.
    expect(writeErrors.map(({ errmsg }) => /index: (\S+) dup key/.exec(errmsg ?? "")?.[1])).to.deep.equal([
      "_id_",
      "campaignId_1_claimKey_1",
    ]);
    const single = await collection.insertOne({ _id: 1 }, DURABLE).catch((thrown: unknown) => thrown);
    expect((single as MongoServerError)["keyPattern"]).to.deep.equal({ _id: 1 });
    expect((error as MongoBulkWriteError).insertedCount).to.equal(2);
    expect(await collection.countDocuments()).to.equal(3);
  });

  it("passes a server error on as one", async () => {
    const error = await client
      .db("test")
      .command({ noSuchCommand: 1 })
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(MongoServerError);
    expect((error as MongoServerError).code).to.equal(59);
  });

  it("takes 20 MB in one insertMany and gives it back through a cursor", async () => {
    const collection = fresh();
    const text = "x".repeat(10_000);
    const documents = Array.from({ length: 2_000 }, (_, index) => ({ _id: index, text }));
    await collection.insertMany(documents, { ...DURABLE, ordered: false });
    let count = 0;
    let bytes = 0;
    for await (const document of collection.find({}, { sort: { _id: 1 } })) {
      expect(document._id).to.equal(count);
      count += 1;
      bytes += (document["text"] as string).length;
    }
    expect([count, bytes]).to.deep.equal([2_000, 20_000_000]);
  });

  it("serves a hundred connections at once", async () => {
    const collection = fresh();
    const many = new MongoClient(store.url, { minPoolSize: 100, maxPoolSize: 100 });
    try {
      const same = many.db("test").collection<Document & { _id: number }>(collection.collectionName);
      const inserts = Array.from({ length: 1_000 }, (_, index) => same.insertOne({ _id: index }, DURABLE));
      await Promise.all(inserts);
      expect(await same.countDocuments()).to.equal(1_000);
    } finally {
      await many.close();
    }
  });

  it("survives the session commands, which the engine itself does not know", async () => {
    const admin = client.db("admin");
    for (const name of [
      "startSession",
      "endSessions",
      "refreshSessions",
      "killSessions",
      "killAllSessions",
    ]) {
      const reply = await admin.command({ [name]: name === "startSession" ? 1 : [] });
      expect(reply["ok"], name).to.equal(1);
    }
    expect((await admin.command({ ping: 1 }))["ok"]).to.equal(1);
  });

  it("understands split, coalesced and checksummed frames, and answers in order", async () => {
    const ping = (id: number) => messageOf(serialize({ ping: 1, $db: "admin" }), { id, responseTo: 0 });
    const withChecksum = Buffer.concat([ping(3), Buffer.alloc(4)]);
    withChecksum.writeInt32LE(withChecksum.length, 0);
    withChecksum.writeUInt32LE(1 | (1 << 16), 16); // the flags: checksum present, exhaust allowed
    const all = Buffer.concat([ping(1), ping(2), withChecksum, ping(4)]);
    const socket = await connected(store.port);
    const answeredTo: number[] = [];
    const reader = new MessageReader();
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
        answeredTo.push(reply.readInt32LE(8));
      }
    });
    for (const byte of all.subarray(0, ping(1).length + 30)) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }
    socket.write(all.subarray(ping(1).length + 30));
    await until(() => answeredTo.length === 4, HANG_MS);
    socket.destroy();
    expect(answeredTo).to.deep.equal([1, 2, 3, 4]);
  });

  it("ends a connection whose frame cannot be one, and only that connection", async () => {
    for (const length of [3, 48_000_001, -1]) {
      const socket = await connected(store.port);
      const header = Buffer.alloc(16);
      header.writeInt32LE(length, 0);
      header.writeInt32LE(2013, 12);
      const ended = new Promise((resolve) => socket.once("close", resolve));
      socket.write(header);
      await ended;
    }
    expect((await client.db("admin").command({ ping: 1 }))["ok"]).to.equal(1);
  });

  it("says clearly when its port or its folder is taken", async () => {
    const other = temporaryDir();
    try {
      const samePort = await failureOf(startMongodb({ dir: other.path, port: store.port }));
      expect(samePort).to.match(/Port \d+ on 127\.0\.0\.1 is already in use.*MONGODB_URL/);
      const logFile = join(other.path, "second.log");
      const sameDir = await failureOf(startMongodb({ dir: dir.path, logFile }));
      expect(sameDir).to.match(/already running on the/);
      expect(readFileSync(logFile, "utf8")).to.include("cannot open the data folder");
    } finally {
      other.remove();
    }
  });
});

describe("MongoDB of the local stack, under kill -9", () => {
  const dir = temporaryDir();
  let store: Store;
  let client: MongoClient;

  before(async () => {
    store = await startMongodb({ dir: dir.path });
    client = new MongoClient(store.url, { serverSelectionTimeoutMS: 15_000 });
  });

  after(async () => {
    await client.close();
    await store.stop();
    dir.remove();
  });

  // One writer is the strictest case: no other writer's flush can cover a missing one.
  for (const { concern, writers } of [
    { concern: DURABLE.writeConcern, writers: 1 },
    { concern: DURABLE.writeConcern, writers: 4 },
    { concern: { w: "majority" }, writers: 1 },
    { concern: { w: 1, j: true }, writers: 1 },
    { concern: undefined, writers: 1 },
  ] as const) {
    const words = concern === undefined ? "the default concern" : JSON.stringify(concern);
    it(`keeps all that ${writers} writing with ${words} got acknowledged, on the same port`, async () => {
      for (let round = 0; round < 3; round += 1) {
        const collection = client.db("test").collection<{ _id: number }>(`kept${round}`);
        await collection.deleteMany({});
        const acknowledged: number[] = [];
        let killed = false;
        const write = async (from: number) => {
          for (let base = from; !killed; base += 100 * writers) {
            const documents = Array.from({ length: 100 }, (_, index) => ({ _id: base + index }));
            const options = concern === undefined ? {} : { writeConcern: concern };
            await collection.insertMany(documents, { ...options, ordered: false });
            acknowledged.push(...documents.map(({ _id }) => _id));
          }
        };
        const writing = Array.from({ length: writers }, (_, index) => write(index * 100).catch(() => {}));
        expect(await until(() => acknowledged.length >= 3_000, HANG_MS, 1)).to.equal(true);
        const { pid, port } = store;
        await store.kill();
        killed = true;
        expect(store.isRunning).to.equal(false);
        await Promise.all(writing);
        await store.start();
        expect([store.port, store.pid === pid]).to.deep.equal([port, false]);
        const there = new Set((await collection.find().toArray()).map(({ _id }) => _id));
        expect(acknowledged.filter((id) => !there.has(id)).length, "acknowledged and lost").to.equal(0);
      }
    });
  }

  it("keeps its data over a clean restart", async () => {
    const collection = client.db("test").collection<{ _id: number }>("clean");
    await collection.insertOne({ _id: 1 });
    await store.restart();
    expect(await collection.findOne({ _id: 1 })).to.deep.equal({ _id: 1 });
  });
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(socket));
    socket.on("error", reject);
  });
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not fail");
}
