import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { Store } from "../../local/store.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { scripts } from "../../pool/scripts.ts";
import { createLogger } from "../../runtime/logger.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { type StoreProxy, startProxy } from "../support/wire/proxy.ts";
import { redisProtocol } from "../support/wire/resp.ts";

const texts = new Map(Object.entries(scripts).map(([name, { SCRIPT }]) => [name, SCRIPT.toString()]));

/** The first command of a new connection. */
const FIRST = "client";

describe("A Redis that is silent is asked again while another connection is opened", () => {
  const dir = temporaryDir();
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    destination: { write: (line) => void lines.push(line) },
  });
  let store: Store;
  let raw: RawRedis;
  let proxy: StoreProxy;
  let redis: Redis;
  let pool: Pool;

  before(async () => {
    store = await startRedis({ dir: dir.path });
    raw = await openRawRedis(store.url);
    proxy = await startProxy(redisProtocol(texts), store);
    const { host, port } = proxy.address;
    redis = await connectRedis({ url: `redis://${host}:${port}`, connectWithinMs: HANG_MS, logger });
    pool = createPool(redis, 2_000);
    await pool.advance("any", Date.now());
  });

  after(async () => {
    await redis.close();
    await proxy.close();
    raw.destroy();
    await store.kill();
    dir.remove();
  });

  const connections = async () => {
    const mine = Number(await raw.sendCommand(["CLIENT", "ID"]));
    const clients = String(await raw.sendCommand(["CLIENT", "LIST", "TYPE", "normal"]));
    return [...clients.matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id)).filter((id) => id !== mine);
  };
  const said = (words: string) => lines.find((line) => line.includes(words));
  const silence = () => proxy.trap({ at: "reply", kind: "advance", deed: "hold" });

  it("it stays in use when it answers first, and the other connection is closed", async () => {
    const [inUse, another] = [await connections(), proxy.trap({ at: "request", kind: FIRST, deed: "hold" })];
    const silent = silence();
    const call = pool.advance("any", Date.now()).catch(String);
    await another.sprung(HANG_MS);
    silent.release();
    expect(await until(() => said("answers again") !== undefined, HANG_MS)).to.equal(true);
    // If one followed the other, the cause would be that the one in use was asked in vain.
    expect(JSON.parse(said("does not serve") ?? "").cause).to.match(/^no answer for \d+ ms$/);
    another.release();
    await call;
    expect(await until(async () => (await connections()).length === 1, HANG_MS)).to.equal(true);
    expect(await connections()).to.deep.equal(inUse);
  });

  it("the other one takes its place when it serves first", async () => {
    const inUse = await connections();
    const silent = silence();
    const call = pool.advance("any", Date.now()).catch(String);
    const works = () =>
      pool.advance("any", Date.now()).then(
        () => true,
        () => false,
      );
    expect(await until(works, HANG_MS, 20)).to.equal(true);
    silent.release();
    await call;
    expect(await until(async () => (await connections()).length === 1, HANG_MS)).to.equal(true);
    expect(await connections()).not.to.deep.equal(inUse);
  });
});
