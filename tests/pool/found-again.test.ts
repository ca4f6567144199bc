import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { Store } from "../../local/store.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { LOOK_EVERY_MS } from "../../pool/redis-second-look.ts";
import { createLogger } from "../../runtime/logger.ts";
import { claimAll, loadedPool } from "../support/loaded-pool.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { rawProtocol } from "../support/wire/frames.ts";
import { type StoreProxy, startProxy } from "../support/wire/proxy.ts";

/**
 * A Redis behind a DNS name or a forwarder: its target changes, and no party closes the established
 * connections.
 */
describe("Redis is found again behind the same address", () => {
  const dirs = [temporaryDir(), temporaryDir()];
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    destination: { write: (line) => void lines.push(line) },
  });
  let a: Store;
  let b: Store;
  let rawA: RawRedis;
  let rawB: RawRedis;
  let forwarder: StoreProxy;
  let redis: Redis;
  let pool: Pool;

  before(async () => {
    [a, b] = (await Promise.all(dirs.map(({ path }) => startRedis({ dir: path })))) as [Store, Store];
    [rawA, rawB] = await Promise.all([openRawRedis(a.url), openRawRedis(b.url)]);
    forwarder = await startProxy(rawProtocol, a);
    const { host, port } = forwarder.address;
    redis = await connectRedis({ url: `redis://${host}:${port}`, connectWithinMs: HANG_MS, logger });
    pool = createPool(redis, 2_000);
  });

  after(async () => {
    await redis.close();
    await forwarder.close();
    for (const raw of [rawA, rawB]) raw.destroy();
    for (const store of [a, b]) await store.kill();
    for (const dir of dirs) dir.remove();
  });

  const works = () =>
    pool.advance("any", Date.now()).then(
      () => true,
      () => false,
    );
  const asksOf = async (raw: RawRedis) =>
    /cmdstat_evalsha:calls=(\d+)/.exec(await raw.info("commandstats"))?.[1];

  it("after a failover: READONLY on a connection that stands leads to a new one, and the log says so", async () => {
    expect(await works()).to.equal(true);
    forwarder.leadTo(b);
    await rawA.sendCommand(["REPLICAOF", b.host, String(b.port)]);
    const refused = await pool.advance("any", Date.now()).catch(String);
    expect(refused, "the call under way fails, it is not sent again").to.match(/READONLY/);
    expect(await until(works, HANG_MS, 20)).to.equal(true);
    expect(Number(await asksOf(rawB))).to.be.greaterThan(0);
    const waits = lines.filter((line) => line.includes("does not serve"));
    expect(waits.join("")).to.include("READONLY");
    expect(await until(() => lines.some((line) => line.includes("answers again")), HANG_MS)).to.equal(true);
  });

  it("and when nothing comes any more on a connection that stands", async () => {
    await rawA.sendCommand(["REPLICAOF", "NO", "ONE"]);
    b.pause();
    const late = await pool.advance("any", Date.now()).catch(String);
    expect(late).to.match(/no answer/);
    forwarder.leadTo(a);
    expect(await until(works, HANG_MS, 20)).to.equal(true);
    b.resume();
    expect(await until(works, HANG_MS, 20)).to.equal(true);
  });

  it("and when it comes back on the same address after a crash", async () => {
    await a.kill();
    expect(await works()).to.equal(false);
    await a.start();
    expect(await until(works, HANG_MS, 20)).to.equal(true);
  });

  /** Each case makes the master refuse writes, and restores it afterwards. */
  const refusals = [
    [
      "NOREPLICAS",
      ["CONFIG", "SET", "min-replicas-to-write", "1"],
      ["CONFIG", "SET", "min-replicas-to-write", "0"],
    ],
    ["OOM", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
    ["NOPERM", ["ACL", "SETUSER", "default", "-@scripting"], ["ACL", "SETUSER", "default", "+@all"]],
  ] as const;

  for (const [i, [code, refuse, serve]] of refusals.entries()) {
    it(`after a failover whose old master stays one: ${code} on a connection that stands leads to the new one`, async () => {
      const [next, rawOld, rawNext] = i % 2 === 0 ? [b, rawA, rawB] : [a, rawB, rawA];
      await rawOld.sendCommand([...refuse]);
      forwarder.leadTo(next);
      const before = Number(await asksOf(rawNext));
      const refused = await pool.advance("any", Date.now()).catch(String);
      expect(refused, "the call under way fails, it is not sent again").to.include(code);
      expect(await until(works, HANG_MS, 20)).to.equal(true);
      expect(Number(await asksOf(rawNext))).to.be.greaterThan(before);
      expect(lines.some((line) => line.includes("another one that serves") && line.includes(code))).to.equal(
        true,
      );
      await rawOld.sendCommand([...serve]);
    });
  }

  it("one that is really full stays in use, looked at now and then, over a connection that is closed again", async () => {
    const { campaignId } = await loadedPool(pool);
    await claimAll(pool, campaignId, Date.now(), "first");
    const mine = Number(await rawB.sendCommand(["CLIENT", "ID"]));
    const connections = async () => {
      const clients = String(await rawB.sendCommand(["CLIENT", "LIST", "TYPE", "normal"]));
      return [...clients.matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id)).filter((id) => id !== mine);
    };
    const everConnected = async () =>
      Number(/total_connections_received:(\d+)/.exec(await rawB.info("stats"))?.[1]);
    expect(await until(async () => (await connections()).length === 1, HANG_MS, 20)).to.equal(true);
    const inUse = await connections();
    const connectedBefore = await everConnected();
    const sinceMs = performance.now();
    await rawB.configSet("maxmemory", "1");
    const looks = async () => (await everConnected()) - connectedBefore;
    const looked = await until(async () => (await works()) === false && (await looks()) >= 3, HANG_MS, 20);
    expect(looked).to.equal(true);
    expect(await looks()).to.be.at.most(1 + (performance.now() - sinceMs) / LOOK_EVERY_MS);
    expect((await pool.inspect(campaignId)).claims, "those who have a coupon are answered").to.equal(1);
    await rawB.configSet("maxmemory", "0");
    expect(await until(async () => (await connections()).length === 1, HANG_MS, 20)).to.equal(true);
    expect(await connections(), "the connection in use").to.deep.equal(inUse);
    expect(await works()).to.equal(true);
  });
});
