import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { campaignKeys, shadowKeys } from "../../../pool/keys.ts";
import { createPool, type Pool } from "../../../pool/pool.ts";
import { connectRedis, type Redis } from "../../../pool/redis.ts";
import type { CampaignDoc } from "../../../record/documents.ts";
import { createWarmUps } from "../../../record/warm-ups.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { ISSUE_PATH } from "../../../server/rpc/issue-answer.ts";
import { openShadow, removeShadow } from "../../../server/warm-up/shadow.ts";
import { type WarmUpDeps, warmUp } from "../../../server/warm-up/warm-up.ts";
import { openSale } from "../../support/open-sale.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { startRedisCluster } from "../../support/redis-cluster.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { stubApp } from "../../support/stub-app.ts";
import { withStores } from "../../support/with-stores.ts";

const HOUR_MS = 3_600_000;
const NEVER = new AbortController().signal;
const SHADOW_KEYS = "cp:warm-up:*";

describe("a warm-up of the claim path", () => {
  const stores = withStores("alone");
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  after(() => raw.destroy());

  function depsOf(redis: Redis = stores.redis, around: (pool: Pool) => Pool = (pool) => pool) {
    const looked: string[] = [];
    const deps: WarmUpDeps = {
      ...{ clock: systemClock, logger: silentLogger, warmUps: createWarmUps(stores.db) },
      ...{ claimBatchMax: 256, queueMax: 20_000, commitsInFlightMax: 4, waitTargetMs: 10_000 },
      ...{ commitDeadlineMs: 10_000, issueDeadlineMs: 10_000 },
      shadowPool: (campaignId, shadowId) =>
        around(createPool(redis, 10_000, () => shadowKeys(campaignId, shadowId))),
      look: async (id) => looked.push(id),
      spare: stubApp().spare,
    };
    return { deps, looked };
  }

  /** A campaign that opens soon, and all that the stores have of it and of others. */
  async function aboutToOpen() {
    const startsAt = new Date(Date.now() + HOUR_MS);
    const { campaign } = await openSale(stores, { startsAt });
    const collections = async () => {
      const names = (await stores.db.listCollections({}, { nameOnly: true }).toArray()).map(
        ({ name }) => name,
      );
      const all = await Promise.all(
        names.map(async (name) => [name, await stores.db.collection(name).find().sort({ _id: 1 }).toArray()]),
      );
      return Object.fromEntries(all.filter(([, docs]) => docs?.length !== 0)) as Record<string, unknown[]>;
    };
    const seen = async () => ({
      pool: await contentsOf(raw, campaign._id),
      keys: (await raw.keys("*")).sort(),
      documents: await collections(),
    });
    return { campaign, seen };
  }

  const trace = async () => ({
    keys: await raw.keys(SHADOW_KEYS),
    records: await stores.db.collection("warm_ups").countDocuments(),
    issuances: await stores.db.collection("warm_up_issuances").countDocuments(),
  });
  const NONE = { keys: [], records: 0, issuances: 0 };

  it("claims through both stores, and leaves them as they were", async () => {
    const { campaign, seen } = await aboutToOpen();
    const { deps, looked } = depsOf();
    const before = await seen();
    expect(before.pool.staged).to.have.lengthOf(10);
    const report = await warmUp(deps, campaign, "short", NEVER);
    expect(report).to.include({ claims: 160, isComplete: true });
    expect(looked).to.deep.equal([campaign._id]);
    expect(await seen()).to.deep.equal(before);
    expect(await trace()).to.deep.equal(NONE);
  });

  it("issues durably, in the order of a sale, and in a collection of its own", async () => {
    const { campaign } = await aboutToOpen();
    const shadow = await openShadow(depsOf().deps, campaign, 3);
    shadow.server.listen(0, "127.0.0.1");
    await once(shadow.server, "listening");
    const { port } = shadow.server.address() as AddressInfo;
    const ask = async (userId: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${ISSUE_PATH}`, {
        ...{ method: "POST", headers: { "content-type": "application/json", connection: "close" } },
        body: JSON.stringify({ campaignId: shadow.id, userId }),
      });
      expect(response.status).to.equal(200);
      return response.json() as Promise<object>;
    };
    const [first, , again] = [await ask("a"), await ask("b"), await ask("a")];
    const elsewhere = (path: string, campaignId: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        ...{ method: "POST", headers: { "content-type": "application/json", connection: "close" } },
        body: JSON.stringify({ campaignId, userId: "c" }),
      });
    // It issues nothing under the id of the campaign itself, and is no door to anything else.
    expect(await (await elsewhere(ISSUE_PATH, campaign._id)).text()).to.include("UNKNOWN_CAMPAIGN");
    for (const path of ["/metrics", "/readyz", "/coupon.v1.CampaignService/GetCampaign", `${ISSUE_PATH}?`])
      expect((await elsewhere(path, campaign._id)).status).to.equal(404);
    shadow.server.close();
    shadow.server.closeAllConnections();
    expect(again).to.deep.equal({ ...first, replayed: true });
    const docs = await stores.db
      .collection("warm_up_issuances")
      .find({ campaignId: shadow.id })
      .sort({ seq: 1 })
      .toArray();
    expect(docs.map(({ claimKey, seq }) => [claimKey, seq])).to.deep.equal([
      ["a", 1],
      ["b", 2],
    ]);
    expect(await stores.db.collection("issuances").countDocuments()).to.equal(0);
    await shadow.remove();
    expect(await trace()).to.deep.equal(NONE);
  });

  for (const given of [{ maxPerUser: 3 }, { onePerUser: false }, { claimAuth: "token" as const }])
    it(`serves a campaign of this kind, too: ${JSON.stringify(given)}`, async () => {
      const { campaign } = await aboutToOpen();
      const one: CampaignDoc = { ...campaign, onePerUser: !("maxPerUser" in given), ...given };
      expect(await warmUp(depsOf().deps, one, "short", NEVER)).to.include({ isComplete: true });
      expect(await trace()).to.deep.equal(NONE);
    });

  for (const aheadMs of [-60_000, 60_000])
    it(`does not mind a clock of this process that is ${aheadMs / 1_000} s ahead of that of Redis`, async () => {
      const { campaign } = await aboutToOpen();
      const { deps } = depsOf();
      const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
      expect(await warmUp({ ...deps, clock }, campaign, "short", NEVER)).to.include({ isComplete: true });
    });

  it("two at once, of one campaign, do not meet", async () => {
    const { campaign, seen } = await aboutToOpen();
    const before = await seen();
    const reports = await Promise.all(
      [depsOf(), depsOf()].map(({ deps }) => warmUp(deps, campaign, "short", NEVER)),
    );
    expect(reports.map(({ claims }) => claims)).to.deep.equal([160, 160]);
    expect(await seen()).to.deep.equal(before);
  });

  it("ends soon after it is told to, and leaves nothing", async () => {
    const { campaign, seen } = await aboutToOpen();
    const before = await seen();
    const late = new AbortController();
    let calls = 0;
    const { deps } = depsOf(stores.redis, (pool) => ({
      ...pool,
      claim(...asked) {
        if (++calls === 10) late.abort();
        return pool.claim(...asked);
      },
    }));
    const report = await warmUp(deps, campaign, "whole", late.signal);
    expect(report.isComplete).to.equal(false);
    expect(report.claims).to.be.within(1, 400);
    expect(await seen()).to.deep.equal(before);
  });

  it("fails where a claim fails, and leaves nothing", async () => {
    const { campaign, seen } = await aboutToOpen();
    const before = await seen();
    let calls = 0;
    const { deps } = depsOf(stores.redis, (pool) => ({
      ...pool,
      claim: (...asked) => (++calls === 3 ? Promise.reject(new Error("lost")) : pool.claim(...asked)),
    }));
    const error = await warmUp(deps, campaign, "short", NEVER).catch((reason: unknown) => reason);
    expect(String(error)).to.include("answered with 503 instead of 200");
    expect(await seen()).to.deep.equal(before);
  });

  it("what a crash leaves is on record, and is removed by any process", async () => {
    const { campaign, seen } = await aboutToOpen();
    const before = await seen();
    const { deps } = depsOf();
    const shadow = await openShadow(deps, campaign, 5);
    const { warmUps } = deps;
    // Younger than a warm-up may get: left alone.
    expect(await warmUps.abandoned(60_000, 10)).to.deep.equal([]);
    const [left] = await warmUps.abandoned(0, 10);
    expect(left).to.include({ _id: shadow.id, campaignId: campaign._id });
    if (left === undefined) throw new Error("not on record");
    await removeShadow(deps, left);
    // Twice: another process was as quick.
    await removeShadow(deps, left);
    expect(await seen()).to.deep.equal(before);
  });

  it("is on record before it writes anything else", async () => {
    const { campaign } = await aboutToOpen();
    const order: string[] = [];
    const { deps } = depsOf(stores.redis, (pool) => ({
      ...pool,
      async loadBegin(...asked) {
        order.push(`load with ${await stores.db.collection("warm_ups").countDocuments()} on record`);
        return pool.loadBegin(...asked);
      },
      async remove(id) {
        order.push(`remove with ${await stores.db.collection("warm_ups").countDocuments()} on record`);
        return pool.remove(id);
      },
    }));
    await (await openShadow(deps, campaign, 1)).remove();
    expect(order).to.deep.equal(["load with 1 on record", "remove with 1 on record"]);
  });

  it("its keys are in the slot of its campaign, whose node then has the scripts", async () => {
    const cluster = await startRedisCluster();
    try {
      const redis = await connectRedis({ url: cluster.url, connectWithinMs: 60_000, logger: silentLogger });
      try {
        const { campaign } = await aboutToOpen();
        const master = await cluster.masterOf(campaignKeys(campaign._id).meta);
        for (const key of Object.values(shadowKeys(campaign._id, "W1")))
          expect(await cluster.masterOf(key)).to.equal(master);
        const { deps } = depsOf(redis);
        expect(await warmUp(deps, campaign, "short", NEVER)).to.include({ claims: 160, isComplete: true });
        for (const node of await cluster.masters()) {
          expect(await node.ask("KEYS", "*")).to.deep.equal([]);
          const evals = /cmdstat_evalsha:calls=(\d+)/.exec(
            String(await node.ask("INFO", "commandstats")),
          )?.[1];
          if (node === master) expect(Number(evals)).to.be.above(10);
        }
      } finally {
        await redis.close();
      }
    } finally {
      await cluster.close();
    }
  });
});
