import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { startRedis } from "../../local/redis-server.ts";
import { createPool } from "../../pool/pool.ts";
import { connectRedis } from "../../pool/redis.ts";
import { claimAll, claimIn, loadedPool } from "../support/loaded-pool.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { HANG_MS } from "../support/patience.ts";
import { contentsOf, openRawRedis, tokenOf } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/**
 * What happens to a pool when its Redis restarts, loses data or is full; on a Redis of its own, with real
 * damage.
 */
describe("pool on a Redis in trouble", () => {
  let own: OwnRedis;

  before(async () => {
    own = await ownRedis();
  });

  after(() => own.close());

  it("kill -9 and restart: everything is still there, and nothing answers until it is loaded anew", async () => {
    const { pool, raw } = own;
    const { campaignId, ...target } = await loadedPool(pool);
    const claim = claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
    const before = await contentsOf(raw, campaignId);
    const token = await tokenOf(raw);
    await own.crash();
    expect(await contentsOf(raw, campaignId)).to.deep.equal(before);
    expect(await tokenOf(raw)).not.to.equal(token);

    expect(await claimAll(pool, campaignId, Date.now(), "a", "b")).to.deep.equal([
      { kind: "fenced" },
      { kind: "fenced" },
    ]);
    expect(await pool.advance(campaignId, Date.now())).to.deep.equal({ kind: "fenced" });
    expect((await pool.inspect(campaignId)).status).to.equal("fenced");
    expect(await pool.settle(campaignId, 1, [1])).to.equal("fenced");
    expect(await pool.adopt(claim)).to.equal("fenced");
    expect(await pool.release(claim, true, claim)).to.equal("fenced");
    expect((await pool.ledgerPage(campaignId, 0, "-", 10)).claims).to.deep.equal([claim]);
    expect(await contentsOf(raw, campaignId)).to.deep.equal(before);

    expect(await pool.loadBegin(campaignId, 2)).to.equal("begun");
    expect(await pool.loadCodes(campaignId, 2, 0, ["나2", "다3"])).to.equal(2);
    expect(await pool.loadClaims(campaignId, 2, [claim])).to.equal(1);
    expect(await pool.loadCommit({ ...target, campaignId, generation: 2 })).to.equal("loaded");
    expect((await claimAll(pool, campaignId, Date.now(), "a"))[0]).to.deep.equal({ kind: "replay", claim });
  });

  it("a load that a restart cuts in two cannot be finished, and another begins from the start", async () => {
    const { pool } = own;
    const { campaignId, ...target } = await loadedPool(pool);
    await own.crash();
    await pool.loadBegin(campaignId, 2);
    await pool.loadCodes(campaignId, 2, 0, ["가1", "나2"]);
    await own.crash();
    expect(await pool.loadCodes(campaignId, 2, 2, ["다3"])).to.equal(-1);
    expect(await pool.loadCommit({ ...target, campaignId, generation: 2 })).to.equal("superseded");
    expect(await pool.loadBegin(campaignId, 3)).to.equal("begun");
    expect(await pool.loadCodes(campaignId, 3, 0, ["가1", "나2", "다3"])).to.equal(3);
    expect(await pool.loadCommit({ ...target, campaignId, generation: 3 })).to.equal("loaded");
  });

  it("a change of the dataset alone fences too: run_id stays, master_replid does not", async () => {
    const { pool, raw } = own;
    const { campaignId } = await loadedPool(pool);
    const token = await tokenOf(raw);
    await raw.sendCommand(["DEBUG", "CHANGE-REPL-ID"]).catch(async () => {
      // Where DEBUG is not allowed: being a replica for a moment gives Redis a new replication id afterwards.
      await raw.sendCommand(["REPLICAOF", "127.0.0.1", "1"]);
      await raw.sendCommand(["REPLICAOF", "NO", "ONE"]);
    });
    const [runId, replicationId] = token.split("-");
    const now = (await tokenOf(raw)).split("-");
    expect(now[0]).to.equal(runId);
    expect(now[1]).not.to.equal(replicationId);
    expect(await claimAll(pool, campaignId, Date.now(), "a")).to.deep.equal([{ kind: "fenced" }]);
  });

  it("a replica has the same dataset, and does not answer for its master: run_id differs", async () => {
    const dir = temporaryDir();
    const replica = await startRedis({ dir: dir.path });
    // Connects while it is a primary: a start refuses a replica.
    const redis = await connectRedis({ url: replica.url, connectWithinMs: 10_000, logger: silentLogger });
    const raw = await openRawRedis(replica.url);
    try {
      await raw.sendCommand(["REPLICAOF", own.store.host, String(own.store.port)]);
      // The first replica that a Redis ever has gives it a new master_replid: pools are fenced, and loaded
      // again, on both sides.
      const pool = createPool(redis, 5_000);
      const following = async () => (await own.raw.info("replication")).includes("state=online");
      expect(await until(following, HANG_MS, 20)).to.equal(true);
      const { campaignId } = await loadedPool(own.pool);
      const copied = async () => (await pool.inspect(campaignId)).openCodes === 3;
      expect(await until(copied, HANG_MS, 20)).to.equal(true);
      expect((await pool.inspect(campaignId)).status).to.equal("fenced");
      expect((await own.pool.inspect(campaignId)).status).to.equal("ok");
    } finally {
      raw.destroy();
      await redis.close();
      // Not stop: Redis ignores SIGTERM while it writes its first append-only file.
      await replica.kill();
      dir.remove();
    }
  });

  it("after FLUSHALL there is nothing: none, not sold out", async () => {
    const { pool, raw } = own;
    const { campaignId } = await loadedPool(pool);
    await claimAll(pool, campaignId, Date.now(), "a");
    await raw.flushAll();
    expect(await claimAll(pool, campaignId, Date.now(), "a", "b")).to.deep.equal([
      { kind: "none" },
      { kind: "none" },
    ]);
    expect(await pool.advance(campaignId, Date.now())).to.deep.equal({ kind: "none" });
    expect(await pool.inspect(campaignId)).to.include({ status: "none", generation: 0, claims: 0 });
  });

  it("SCRIPT FLUSH is not noticed", async () => {
    const { pool, raw } = own;
    const { campaignId } = await loadedPool(pool);
    await claimAll(pool, campaignId, Date.now(), "a");
    await raw.scriptFlush();
    expect((await claimAll(pool, campaignId, Date.now(), "b"))[0]?.kind).to.equal("claimed");
    expect(await pool.settle(campaignId, 1, [1, 2])).to.equal("settled");
    expect((await pool.inspect(campaignId)).claims).to.equal(2);
  });

  describe("out of memory", () => {
    let campaignId: string;

    before(async () => {
      campaignId = (await loadedPool(own.pool)).campaignId;
      await claimAll(own.pool, campaignId, Date.now(), "a");
      await own.raw.configSet("maxmemory", "1");
    });

    after(() => own.raw.configSet("maxmemory", "0"));

    it("a claim is refused before anything is written: no code is lost", async () => {
      const before = await contentsOf(own.raw, campaignId);
      const trouble = await claimAll(own.pool, campaignId, Date.now(), "b", "c").catch(String);
      expect(trouble).to.match(/OOM/);
      expect(await contentsOf(own.raw, campaignId)).to.deep.equal(before);
    });

    it("looking and reading the ledger still work", async () => {
      expect(await own.pool.inspect(campaignId)).to.include({ status: "ok", openCodes: 2, ledger: 1 });
      expect((await own.pool.ledgerPage(campaignId, 0, "-", 10)).claims).to.have.length(1);
    });

    it("durable claims can still be settled, which is what gives memory back", async () => {
      expect(await own.pool.settle(campaignId, 1, [1])).to.equal("settled");
      expect((await own.pool.inspect(campaignId)).ledger).to.equal(0);
    });

    it("claims go on when there is room again", async () => {
      await own.raw.configSet("maxmemory", "0");
      expect((await claimAll(own.pool, campaignId, Date.now(), "b"))[0]?.kind).to.equal("claimed");
    });
  });
});
