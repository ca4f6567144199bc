import { expect } from "chai";
import { MongoClient } from "mongodb";
import { createClient } from "redis";
import { freePort } from "../../local/free-port.ts";
import { startMongodb } from "../../local/mongodb-server.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startService } from "../../local/service-process.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/** As `ip netns exec NAME` does: becomes the command that follows. */
const THROUGH = ["/usr/bin/env", "PLACED=yes"];
const PLACE = { host: "127.0.0.9", through: THROUGH };

describe("A program that is started through another command, at another address", () => {
  const dir = temporaryDir();
  after(() => dir.remove());

  it("Redis listens there alone, and is the process that was started", async () => {
    const store = await startRedis({ dir: `${dir.path}/redis`, port: await freePort(), place: PLACE });
    try {
      expect(store.url).to.equal(`redis://127.0.0.9:${store.port}`);
      const client = await createClient({ url: store.url }).connect();
      expect(await client.configGet("bind")).to.include({ bind: "127.0.0.9" });
      expect(await client.info("server")).to.include(`process_id:${store.pid}`);
      await client.close();
    } finally {
      await store.kill();
    }
  });

  it("so does the MongoDB of the local stack", async () => {
    const store = await startMongodb({ dir: `${dir.path}/mongodb`, port: await freePort(), place: PLACE });
    const client = new MongoClient(store.url);
    try {
      expect(store.url).to.include(`127.0.0.9:${store.port}`);
      const { pid } = await client.db("admin").command({ serverStatus: 1 });
      expect(Number(pid)).to.equal(store.pid);
    } finally {
      await client.close();
      await store.kill();
    }
  });

  it("a service keeps its process id, its arguments and its exit code", async () => {
    const port = await freePort();
    const service = startService({
      ...{ entry: "tests/local/fixtures/small-service.mjs", args: ["there"], env: {} },
      ...{ through: ["/usr/bin/env", `PORT=${port}`], baseUrl: `http://127.0.0.1:${port}` },
    });
    await service.waitForHttp("/healthz", HANG_MS);
    expect(service.lines).to.include("listening there");
    expect(await service.stop()).to.equal(7);
  });
});
