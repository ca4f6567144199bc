import { expect } from "chai";
import { createClient } from "redis";
import { until } from "../../local/poll.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { Store } from "../../local/store.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("Redis of the local stack", () => {
  const dir = temporaryDir();
  const replicaDir = temporaryDir();
  const started: Store[] = [];
  let store: Store;

  before(async () => {
    store = await startRedis({ dir: dir.path });
    started.push(store);
  });

  after(async () => {
    for (const one of started) await one.stop();
    dir.remove();
    replicaDir.remove();
  });

  it("runs with the durability and the limits that the pool relies on", async () => {
    const settings = await withClient(store, async (client) => ({
      ...(await client.configGet(["appendonly", "appendfsync", "maxmemory-policy", "save", "bind"])),
    }));
    expect(settings).to.deep.equal({
      appendonly: "yes",
      appendfsync: "always",
      "maxmemory-policy": "noeviction",
      save: "",
      bind: "127.0.0.1",
    });
  });

  it("keeps what it acknowledged over kill -9 and comes back on the same port", async () => {
    await withClient(store, (client) => client.set("kept", "yes"));
    const { pid, port } = store;
    await store.kill();
    expect([store.isRunning, store.pid]).to.deep.equal([false, undefined]);
    await store.start();
    expect([store.port, store.pid === pid]).to.deep.equal([port, false]);
    expect(await withClient(store, (client) => client.get("kept"))).to.equal("yes");
  });

  it("falls silent when paused and goes on when resumed", async () => {
    await withClient(store, async (client) => {
      store.pause();
      let answered = false;
      const ping = client.ping().then(() => {
        answered = true;
      });
      const silent = await store.waitReady(200).catch((error: Error) => error.message);
      expect(silent).to.match(/did not answer within 200 ms/);
      expect([answered, store.isRunning]).to.deep.equal([false, true]);
      store.resume();
      await ping;
      await store.waitReady();
    });
  });

  it("stops while paused, and stopping again does nothing", async () => {
    store.pause();
    await store.stop();
    expect(store.isRunning).to.equal(false);
    await store.stop();
    await store.start();
  });

  it("refuses to start twice, and says clearly when the port is taken", async () => {
    expect(await failureOf(store.start())).to.match(/runs already/);
    const message = await failureOf(startRedis({ dir: replicaDir.path, port: store.port }));
    expect(message).to.match(/Port \d+ on 127\.0\.0\.1 is already in use.*REDIS_URL/);
  });

  it("shows what redis-server said when it does not start", async () => {
    const message = await failureOf(startRedis({ dir: replicaDir.path, args: ["--no-such-setting", "1"] }));
    expect(message).to.include("no-such-setting");
  });

  it("follows another one as a replica", async () => {
    await withClient(store, (client) => client.set("copied", "yes"));
    const replica = await startRedis({ dir: replicaDir.path, replicaOf: store });
    started.push(replica);
    const copied = await until(
      async () => (await withClient(replica, (client) => client.get("copied"))) === "yes",
      HANG_MS,
      50,
    );
    expect(copied).to.equal(true);
  });
});

async function withClient<T>(store: Store, use: (client: ReturnType<typeof open>) => Promise<T>): Promise<T> {
  const client = open(store.url);
  await client.connect();
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

function open(url: string) {
  return createClient({ url }).on("error", () => {});
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not fail");
}
