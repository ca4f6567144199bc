import { expect } from "chai";
import type { LoadTarget } from "../../pool/answers.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { Pool } from "../../pool/pool.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import { claimAll, claimIn, HOUR_MS, loadedPool } from "../support/loaded-pool.ts";
import { contentsOf, openRawRedis, type RawRedis, tokenOf } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

describe("pool load scripts", () => {
  const stores = withStores();
  let pool: Pool;
  let raw: RawRedis;

  before(async () => {
    pool = stores.pool;
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  after(async () => {
    raw.destroy();
  });

  const held = { claimKey: "a", userId: "", code: "라4", generation: 1, seq: 7, issuedAtMs: 12_345 };

  function targetOf(generation: number, total: number): LoadTarget {
    return {
      campaignId: newCampaignId(Date.now()),
      generation,
      state: "staged",
      startsAtMs: Date.now() + HOUR_MS,
      endsAtMs: 0,
      total,
      armedAtMs: 0,
      shape: 1,
    };
  }

  it("load step by step: nothing of it is seen before the commit, all of it after", async () => {
    const target = { ...targetOf(3, 3), endsAtMs: Date.now() + 2 * HOUR_MS, shape: 2 };
    const { campaignId } = target;
    const look = async () => (await pool.inspect(campaignId)).status;
    expect(await pool.loadBegin(campaignId, 3)).to.equal("begun");
    expect(await look()).to.equal("none");
    expect(await pool.loadCodes(campaignId, 3, 0, ["가1"])).to.equal(1);
    expect(await pool.loadCodes(campaignId, 3, 1, ["나2"])).to.equal(2);
    expect(await look()).to.equal("none");
    expect(await pool.loadClaims(campaignId, 3, [{ ...held, campaignId }])).to.equal(1);
    expect(await look()).to.equal("none");
    expect(await pool.loadCommit(target)).to.equal("loaded");
    expect(await contentsOf(raw, campaignId)).to.deep.equal({
      meta: {
        state: "staged",
        startsAt: String(target.startsAtMs),
        endsAt: String(target.endsAtMs),
        generation: "3",
        base: "3",
        token: await tokenOf(raw),
        seq: "0",
        total: "3",
        armedAt: "0",
        shape: "2",
      },
      staged: ["가1", "나2"],
      open: [],
      away: [],
      claims: { a: "라4 1-7 12345" },
      ledger: [],
      loading: {},
      loadingCodes: [],
      loadingClaims: {},
    });
  });

  it("a change that found no pool: no load that was begun before it brings one, the next one does", async () => {
    const target = targetOf(3, 2);
    const { campaignId } = target;
    expect(await pool.loadBegin(campaignId, 3)).to.equal("begun");
    expect(await pool.loadCodes(campaignId, 3, 0, ["가1", "나2"])).to.equal(2);
    expect(await pool.freeze(campaignId, Date.now(), 4)).to.deep.equal({ kind: "none" });
    // All of these were sent before the campaign was changed.
    expect(await pool.loadCommit(target)).to.equal("superseded");
    expect(await pool.loadBegin(campaignId, 3)).to.equal("superseded");
    expect(await pool.loadCodes(campaignId, 3, 2, ["다3"])).to.equal(-1);
    expect((await pool.inspect(campaignId)).status).to.equal("none");
    // An earlier change that was superseded undoes nothing.
    expect(await pool.freeze(campaignId, Date.now(), 3)).to.deep.equal({ kind: "superseded" });

    expect(await pool.loadBegin(campaignId, 5)).to.equal("begun");
    expect(await pool.loadCodes(campaignId, 5, 0, ["가1", "나2"])).to.equal(2);
    expect(await pool.loadCommit({ ...target, generation: 5 })).to.equal("loaded");
    expect(await pool.inspect(campaignId)).to.include({ status: "ok", generation: 5, stagedCodes: 2 });
  });

  it("the frontier tells since when a pool is loaded, and which claims may not be durable", async () => {
    const target = await loadedPool(pool, { generation: 2, claims: [held] });
    const { campaignId } = target;
    const { sinceLoadMs = -1, ...loaded } = await pool.frontier(campaignId);
    const nothing = { status: "ok", generation: 2, base: 2, seq: 0, pending: undefined };
    expect(loaded).to.deep.equal(nothing);
    expect(sinceLoadMs).to.be.within(0, HOUR_MS);
    await claimAll(pool, campaignId, Date.now(), "b", "c", "d");
    expect(await pool.frontier(campaignId)).to.deep.include({ seq: 3, pending: { generation: 2, seq: 1 } });
    await pool.settle(campaignId, 2, [1, 3]);
    expect(await pool.frontier(campaignId)).to.deep.include({ seq: 3, pending: { generation: 2, seq: 2 } });
    // A change of the campaign keeps ledger and sequence; a frozen pool tells as much.
    await pool.freeze(campaignId, Date.now(), 3);
    expect(await pool.frontier(campaignId)).to.deep.include({ status: "ok", generation: 2, base: 2 });
    expect(await pool.turn({ ...target, generation: 3, state: "paused" })).to.equal("turned");
    await pool.settle(campaignId, 2, [2]);
    expect(await pool.frontier(campaignId)).to.deep.include({ ...nothing, generation: 3, seq: 3 });
    // An earlier version did not record the load.
    const { meta } = campaignKeys(campaignId);
    await raw.hDel(meta, "loadedAt");
    expect((await pool.frontier(campaignId)).sinceLoadMs).to.equal(undefined);
    await raw.hSet(meta, "token", "elsewhere");
    expect((await pool.frontier(campaignId)).status).to.equal("fenced");
    expect(await pool.frontier(targetOf(1, 1).campaignId)).to.deep.include({ status: "none", generation: 0 });
  });

  it("no key has a time to live", async () => {
    const { campaignId } = await loadedPool(pool);
    await claimAll(pool, campaignId, Date.now(), "a");
    for (const key of Object.values(campaignKeys(campaignId))) {
      expect(await raw.pTTL(key)).to.be.oneOf([-1, -2]);
    }
  });

  for (const state of ["open", "paused", "ended", "cancelled"] as const) {
    it(`a pool that is loaded as ${state} is not staged`, async () => {
      const { campaignId } = await loadedPool(pool, { state, armedAtMs: 4_711 });
      const { meta, staged, open, away } = await contentsOf(raw, campaignId);
      expect(meta).to.include({ state, armedAt: "4711" });
      const isAway = state === "paused" || state === "cancelled";
      expect([staged.length, open.length, away.length]).to.deep.equal(isAway ? [0, 0, 3] : [0, 3, 0]);
    });
  }

  it("a pool with everything issued can be loaded, and is sold out for strangers only", async () => {
    const { campaignId } = await loadedPool(pool, { codes: [], claims: [held], generation: 2 });
    const [known, stranger] = await claimAll(pool, campaignId, Date.now(), "a", "b");
    expect([known?.kind, stranger?.kind]).to.deep.equal(["replay", "sold"]);
  });

  it("a healthy pool is never replaced: not begun, not committed", async () => {
    const { campaignId, ...target } = await loadedPool(pool);
    await claimAll(pool, campaignId, Date.now(), "a");
    const before = await contentsOf(raw, campaignId);
    expect(await pool.loadBegin(campaignId, 9)).to.equal("healthy");
    expect(await pool.loadCommit({ ...target, campaignId, generation: 9 })).to.equal("healthy");
    expect(await contentsOf(raw, campaignId)).to.deep.equal(before);
  });

  it("a load that finds the pool healthy at its commit leaves it as it is", async () => {
    const { campaignId } = await loadedPool(pool);
    const { meta } = campaignKeys(campaignId);
    const token = await tokenOf(raw);
    await raw.hSet(meta, "token", "elsewhere");
    expect(await pool.loadBegin(campaignId, 2)).to.equal("begun");
    await pool.loadCodes(campaignId, 2, 0, ["가1"]);
    await raw.hSet(meta, "token", token);
    const before = await contentsOf(raw, campaignId);
    expect(await pool.loadCommit({ ...targetOf(2, 1), campaignId })).to.equal("healthy");
    expect(await contentsOf(raw, campaignId)).to.deep.equal(before);
  });

  it("miscounted: codes and claims must add up to the total, in either direction", async () => {
    for (const total of [1, 3]) {
      const target = targetOf(1, total);
      const { campaignId } = target;
      await pool.loadBegin(campaignId, 1);
      await pool.loadCodes(campaignId, 1, 0, ["가1"]);
      await pool.loadClaims(campaignId, 1, [{ ...held, campaignId }]);
      const before = await contentsOf(raw, campaignId);
      expect(await pool.loadCommit(target)).to.equal("miscounted");
      expect(await contentsOf(raw, campaignId)).to.deep.equal(before);
      expect((await pool.inspect(campaignId)).status).to.equal("none");
    }
  });

  it("codes are appended only at the length that the caller believes", async () => {
    const { campaignId } = targetOf(1, 2);
    await pool.loadBegin(campaignId, 1);
    expect(await pool.loadCodes(campaignId, 1, 1, ["가1"])).to.equal(-1);
    expect(await pool.loadCodes(campaignId, 1, 0, ["가1", "나2"])).to.equal(2);
    expect(await pool.loadCodes(campaignId, 1, 0, ["가1", "나2"])).to.equal(-1);
    expect((await contentsOf(raw, campaignId)).loadingCodes).to.deep.equal(["가1", "나2"]);
  });

  it("a newer load takes over: the older one can add nothing and commit nothing", async () => {
    const older = targetOf(1, 1);
    const { campaignId } = older;
    await pool.loadBegin(campaignId, 1);
    await pool.loadCodes(campaignId, 1, 0, ["가1"]);
    expect(await pool.loadBegin(campaignId, 2)).to.equal("begun");
    expect((await contentsOf(raw, campaignId)).loadingCodes).to.deep.equal([]);
    expect(await pool.loadCodes(campaignId, 1, 0, ["가1"])).to.equal(-1);
    expect(await pool.loadClaims(campaignId, 1, [{ ...held, campaignId }])).to.equal(-1);
    expect(await pool.loadCommit(older)).to.equal("superseded");
    expect(await pool.loadBegin(campaignId, 1)).to.equal("superseded");
    expect(await pool.loadCodes(campaignId, 2, 0, ["나2"])).to.equal(1);
    expect(await pool.loadCommit({ ...older, generation: 2 })).to.equal("loaded");
  });

  it("a load that began before its Redis was another one is over", async () => {
    const target = targetOf(1, 1);
    const { campaignId } = target;
    await pool.loadBegin(campaignId, 1);
    await pool.loadCodes(campaignId, 1, 0, ["가1"]);
    await raw.hSet(campaignKeys(campaignId).loading, "token", "elsewhere");
    expect(await pool.loadCodes(campaignId, 1, 1, ["나2"])).to.equal(-1);
    expect(await pool.loadClaims(campaignId, 1, [{ ...held, campaignId }])).to.equal(-1);
    expect(await pool.loadCommit(target)).to.equal("superseded");
  });

  it("a fenced pool is replaced only by a newer generation, with its ledger and its seq anew", async () => {
    const { campaignId, ...target } = await loadedPool(pool, { generation: 5 });
    const lost = claimIn((await claimAll(pool, campaignId, Date.now(), "a"))[0]);
    await raw.hSet(campaignKeys(campaignId).meta, "token", "elsewhere");
    expect(await pool.loadBegin(campaignId, 4)).to.equal("superseded");
    expect(await pool.loadBegin(campaignId, 5)).to.equal("superseded");
    expect(await pool.loadBegin(campaignId, 6)).to.equal("begun");
    await pool.loadCodes(campaignId, 6, 0, ["나2", "다3"]);
    await pool.loadClaims(campaignId, 6, [lost]);
    expect(await pool.loadCommit({ ...target, campaignId, generation: 6 })).to.equal("loaded");
    const { ledger, meta } = await contentsOf(raw, campaignId);
    expect([ledger, meta["seq"]]).to.deep.equal([[], "0"]);
    const [again, next] = await claimAll(pool, campaignId, Date.now(), "a", "b");
    expect(again).to.deep.equal({ kind: "replay", claim: lost });
    expect(claimIn(next)).to.include({ code: "나2", generation: 6, seq: 1 });
  });

  it("takes 1,000 codes and 1,000 claims in one call", async () => {
    const target = { ...targetOf(1, 2_000), state: "open" as const, armedAtMs: 1 };
    const { campaignId } = target;
    const codes = Array.from({ length: 1_000 }, (_, i) => `가${i}`);
    await pool.loadBegin(campaignId, 1);
    expect(await pool.loadCodes(campaignId, 1, 0, codes)).to.equal(1_000);
    const claims = codes.map((_, i) => ({
      ...held,
      campaignId,
      claimKey: `user ${i}`,
      code: `나${i}`,
      seq: i,
    }));
    expect(await pool.loadClaims(campaignId, 1, claims)).to.equal(1_000);
    expect(await pool.loadCommit(target)).to.equal("loaded");
    expect(await pool.inspect(campaignId)).to.include({ openCodes: 1_000, claims: 1_000 });
  });
});
