import { expect } from "chai";
import { LeaseLost } from "../../campaign/lease.ts";
import { type LoadDeps, type LoadOutcome, loadPool } from "../../campaign/load.ts";
import { createRestore } from "../../campaign/restore.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { bareCampaign, madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { gate } from "../support/open-sale.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;

describe("loading a pool from MongoDB", () => {
  const stores = withStores();
  let raw: RawRedis;
  let records: Records;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
    records = recordsOf(stores.db);
  });

  after(async () => {
    raw.destroy();
  });

  const depsOf = (owner = "test", leaseMs = 60_000): LoadDeps => ({
    ...records,
    pool: stores.pool,
    clock: fakeClock(),
    owner,
    leaseMs,
  });
  const issue = async (
    campaign: CampaignDoc,
    code: string,
    claimKey: string,
    seq: number,
    generation = 1,
  ) => {
    const issuance = {
      _id: code,
      campaignId: campaign._id,
      claimKey,
      generation,
      seq,
      issuedAt: new Date(seq),
    };
    await stores.db.collection<IssuanceDoc>("issuances").insertOne(issuance);
  };
  const fence = (campaign: CampaignDoc) => raw.hSet(campaignKeys(campaign._id).meta, "token", "elsewhere");
  const generationOf = async ({ _id }: CampaignDoc) => (await records.campaigns.find(_id))?.generation ?? -1;

  /**
   * The pool holds exactly the codes minus the issuances, in the order of their ordinals; its claims are the
   * issuances.
   */
  async function expectExact(campaign: CampaignDoc, codes: readonly string[]): Promise<void> {
    const { meta, staged, open, away, claims, ledger, loading, loadingCodes, loadingClaims } =
      await contentsOf(raw, campaign._id);
    const issued = await stores.db
      .collection<IssuanceDoc>("issuances")
      .find({ campaignId: campaign._id })
      .toArray();
    const taken = new Set(issued.map(({ _id }) => _id));
    expect(staged.concat(open, away)).to.deep.equal(codes.filter((code) => !taken.has(code)));
    const bindings = issued.map(({ _id, claimKey, generation, seq, issuedAt }) => [
      claimKey,
      `${_id} ${generation}-${seq} ${issuedAt.getTime()}`,
    ]);
    expect(claims).to.deep.equal(Object.fromEntries(bindings));
    expect([ledger, loading, loadingCodes, loadingClaims]).to.deep.equal([[], {}, [], {}]);
    expect(meta["generation"]).to.equal(String(await generationOf(campaign)));
  }

  describe("what it makes", () => {
    it("the first load: everything staged, in the order of the ordinals", async () => {
      const { campaign, codes } = await madeCampaign(records, {
        startsAt: new Date(Date.now() + HOUR_MS),
        endsAt: new Date(Date.now() + 2 * HOUR_MS),
      });
      expect(await loadPool(depsOf(), campaign._id)).to.equal("loaded");
      await expectExact(campaign, codes);
      const { meta } = await contentsOf(raw, campaign._id);
      expect(meta).to.include({
        state: "staged",
        startsAt: String(campaign.startsAt.getTime()),
        endsAt: String(campaign.endsAt?.getTime()),
        total: "10",
        generation: "1",
        armedAt: "0",
      });
      const recorded = await records.campaigns.find(campaign._id);
      expect([recorded?.lease, recorded?.loadedGeneration]).to.deep.equal([undefined, 1]);
    });

    it("a campaign that has opened stays open, with its instant", async () => {
      const openedAt = new Date(Date.now() - HOUR_MS + 3);
      const { campaign, codes } = await madeCampaign(records, { state: "OPEN", openedAt });
      await loadPool(depsOf(), campaign._id);
      await expectExact(campaign, codes);
      const { meta, open } = await contentsOf(raw, campaign._id);
      expect([meta["state"], meta["armedAt"], open.length]).to.deep.equal([
        "open",
        String(openedAt.getTime()),
        10,
      ]);
    });

    it("what has issuances has opened, even if nobody got to write that down", async () => {
      const { campaign, codes } = await madeCampaign(records);
      await issue(campaign, codes[3] ?? "", "a", 1);
      await loadPool(depsOf(), campaign._id);
      await expectExact(campaign, codes);
      const { meta } = await contentsOf(raw, campaign._id);
      expect([meta["state"], meta["armedAt"]]).to.deep.equal(["open", String(campaign.startsAt.getTime())]);
    });

    it("what has ended or was cancelled issues nothing, and knows its winners", async () => {
      for (const state of ["PAUSED", "ENDED", "CANCELLED"] as const) {
        const { campaign, codes } = await madeCampaign(records, { state });
        await issue(campaign, codes[0] ?? "", "a", 1);
        await loadPool(depsOf(), campaign._id);
        await expectExact(campaign, codes);
        const answers = await stores.pool.claim(campaign._id, Date.now(), [
          { claimKey: "a", userId: "" },
          { claimKey: "b", userId: "" },
        ]);
        expect(answers.map(({ kind }) => kind)).to.deep.equal(["replay", "not-open"]);
      }
    });

    it("everything issued: an empty pool that knows all winners", async () => {
      const { campaign, codes } = await madeCampaign(records, { total: 3, state: "SOLD_OUT" });
      for (const [i, code] of codes.entries()) await issue(campaign, code, `user-${i}`, i + 1);
      await loadPool(depsOf(), campaign._id);
      await expectExact(campaign, codes);
    });

    it("more than one page and more than one call of each kind", async () => {
      const { campaign, codes } = await madeCampaign(records, { total: 11_003 });
      const issued = codes.filter((_, i) => i % 2 === 1 && i > 100);
      await stores.db.collection<IssuanceDoc>("issuances").insertMany(
        issued.map((code, i) => ({
          _id: code,
          campaignId: campaign._id,
          claimKey: `user ${i}`,
          generation: 1 + (i % 3),
          seq: i,
          issuedAt: new Date(i),
        })),
      );
      expect(issued.length).to.be.greaterThan(5_000);
      expect(await loadPool(depsOf(), campaign._id)).to.equal("loaded");
      await expectExact(campaign, codes);
    });

    it("what an older ledger still holds becomes durable first, for the same keys", async () => {
      const { campaign, codes } = await madeCampaign(records);
      await loadPool(depsOf(), campaign._id);
      const asks = Array.from({ length: 4 }, (_, i) => ({ claimKey: `user-${i}`, userId: `of ${i}` }));
      const answers = await stores.pool.claim(campaign._id, Date.now(), asks);
      await fence(campaign);
      // One claim already has its issuance in MongoDB; the code of another one was issued to another key
      // meanwhile.
      await issue(campaign, codes[1] ?? "", "user-1", 2);
      await issue(campaign, codes[2] ?? "", "a stranger", 3, 0);
      expect(await loadPool(depsOf(), campaign._id)).to.equal("loaded");
      await expectExact(campaign, codes);
      const again = await stores.pool.claim(campaign._id, Date.now(), asks);
      expect(again.map(({ kind }) => kind)).to.deep.equal(["replay", "replay", "claimed", "replay"]);
      expect(again[0]).to.deep.include({ claim: { ...claimIn(answers[0]), userId: "of 0" } });
      const durable = await records.issuances.findByClaimKey(campaign._id, "user-3");
      expect(durable).to.include({ _id: codes[3], userId: "of 3" });
    });
  });

  describe("when it does not load", () => {
    it("healthy: a pool that answers is left alone, and no generation is spent", async () => {
      const { campaign } = await madeCampaign(records);
      await loadPool(depsOf(), campaign._id);
      expect(await loadPool(depsOf(), campaign._id)).to.equal("healthy");
      expect(await generationOf(campaign)).to.equal(1);
    });

    it("gone, not ready, busy", async () => {
      expect(await loadPool(depsOf(), "0".repeat(26))).to.equal("gone");
      const unready = await bareCampaign(records, { total: 10, generated: 9 });
      expect(await loadPool(depsOf(), unready._id)).to.equal("not-ready");
      const { campaign } = await madeCampaign(records);
      await records.campaigns.takeLease(campaign._id, "another", 60_000, false);
      expect(await loadPool(depsOf(), campaign._id)).to.equal("busy");
      expect(await generationOf(campaign)).to.equal(0);
    });

    it("an issuance between the reading of codes and of issuances: again, and then it is right", async () => {
      for (const first of [true, false]) {
        const { campaign, codes } = await madeCampaign(records);
        if (!first) await issue(campaign, codes[0] ?? "", "early", 1);
        const deps = depsOf();
        let reads = 0;
        const { inOrder } = records.issuances;
        const crossed: LoadDeps = {
          ...deps,
          issuances: {
            ...records.issuances,
            async inOrder(...args) {
              if (++reads === 2) await issue(campaign, codes[5] ?? "", "crossing", 2);
              return inOrder(...args);
            },
          },
        };
        expect(await loadPool(crossed, campaign._id)).to.equal("again");
        expect((await stores.pool.inspect(campaign._id)).status).to.equal("none");
        expect(await loadPool(deps, campaign._id)).to.equal("loaded");
        await expectExact(campaign, codes);
        expect(await generationOf(campaign)).to.equal(2);
      }
    });

    it("overtaken in the middle by another loader: gives up, and the other's pool stays", async () => {
      const { campaign, codes } = await madeCampaign(records);
      const door = gate();
      const reached = gate();
      const slow = depsOf("slow", 1);
      const slowly: LoadDeps = {
        ...slow,
        coupons: {
          ...records.coupons,
          async codes(...args) {
            reached.open();
            await door.passed;
            return records.coupons.codes(...args);
          },
        },
      };
      const slowLoad = loadPool(slowly, campaign._id);
      await reached.passed;
      expect(await loadUntilFree(depsOf("quick"), campaign._id)).to.equal("loaded");
      await stores.pool.claim(campaign._id, Date.now(), [{ claimKey: "a", userId: "" }]);
      const before = await contentsOf(raw, campaign._id);
      door.open();
      expect(await slowLoad).to.equal("again");
      expect(await contentsOf(raw, campaign._id)).to.deep.equal(before);
      expect(before.open).to.deep.equal(codes.slice(1));
    });

    it("many at once: one loads, the others wait or find it healthy", async () => {
      const { campaign, codes } = await madeCampaign(records, { total: 1_200 });
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => loadPool(depsOf(`owner-${i}`), campaign._id)),
      );
      expect(outcomes.filter((outcome) => outcome === "loaded")).to.have.length(1);
      for (const outcome of outcomes) expect(outcome).to.be.oneOf(["loaded", "busy", "healthy"]);
      await expectExact(campaign, codes);
    });
  });

  describe("killed between any two steps", () => {
    for (const when of ["before", "after"] as const) {
      it(`the k-th store call fails ${when} it happened, for all k: the next load is exact`, async () => {
        let k = 1;
        const died: string[] = [];
        for (; k < 60; k++) {
          const { campaign, codes } = await madeCampaign(records, { total: 8 });
          await loadPool(depsOf(), campaign._id);
          const asks = ["a", "b", "c", "d"].map((claimKey) => ({ claimKey, userId: "" }));
          await stores.pool.claim(campaign._id, Date.now(), asks);
          // a and b are durable and settled, c durable, d in the ledger only.
          for (const [i, key] of ["a", "b", "c"].entries()) await issue(campaign, codes[i] ?? "", key, i + 1);
          await stores.pool.settle(campaign._id, 1, [1, 2]);
          await fence(campaign);
          const dying = dyingAt(k, when, depsOf("the dying", 40));
          const outcome = await loadPool(dying.deps, campaign._id).catch(() => "dead" as const);
          const before = await generationOf(campaign);
          const next = await loadUntilFree(depsOf("the next"), campaign._id);
          expect(next, `call ${k}, ${dying.last()}`).to.be.oneOf(["loaded", "healthy"]);
          await expectExact(campaign, codes);
          expect(await generationOf(campaign)).to.equal(next === "loaded" ? before + 1 : before);
          expect(await records.issuances.findByClaimKey(campaign._id, "d")).to.include({ _id: codes[3] });
          if (outcome === "loaded") break;
          died.push(dying.last());
        }
        expect(new Set(died)).to.include.all.keys(
          "pool.inspect",
          "campaigns.find",
          "campaigns.takeLease",
          "pool.ledgerPage",
          "issuances.insert",
          "pool.loadBegin",
          "issuances.inOrder",
          "coupons.codes",
          "issuances.issuedAmong",
          "pool.loadCodes",
          "pool.loadClaims",
          "pool.loadCommit",
        );
      });
    }
  });

  it("a loader that learns late that it has the lease loads nothing, where another has loaded since", async () => {
    const { campaign } = await madeCampaign(records);
    const clock = fakeClock();
    let isSetBack = false;
    const late: LoadDeps = {
      ...{ ...depsOf("late", 1), clock },
      campaigns: {
        ...records.campaigns,
        async takeLease(...args) {
          const taken = await records.campaigns.takeLease(...args);
          expect(await loadUntilFree(depsOf("the next"), campaign._id)).to.equal("loaded");
          await raw.unlink(Object.values(campaignKeys(campaign._id)));
          clock.pass(10);
          if (isSetBack) clock.step(-10);
          return taken;
        },
      },
    };
    const lost = await loadPool(late, campaign._id).catch((error: unknown) => error);
    expect(lost).to.be.instanceOf(LeaseLost);
    expect((await stores.pool.inspect(campaign._id)).status, "no pool of the older generation").to.equal(
      "none",
    );
    expect(await generationOf(campaign)).to.equal(2);
    isSetBack = true;
    const restore = createRestore({ ...late, logger: silentLogger, metrics: createMetrics() });
    expect(await restore(campaign._id), "what callers who wait for it see").to.equal("busy");
  });

  it("the generation only rises, whatever becomes of the loads", async () => {
    const { campaign, codes } = await madeCampaign(records);
    const seen: number[] = [];
    for (let round = 0; round < 12; round++) {
      if (round % 3 === 0) await raw.unlink(Object.values(campaignKeys(campaign._id)));
      else if (round % 3 === 1) await fence(campaign);
      const dying = dyingAt(4 + round, round % 2 === 0 ? "before" : "after", depsOf(`owner ${round}`, 1));
      await loadPool(dying.deps, campaign._id).catch(() => undefined);
      seen.push(await generationOf(campaign));
    }
    await loadUntilFree(depsOf("last"), campaign._id);
    seen.push(await generationOf(campaign));
    expect(seen).to.deep.equal([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).to.be.greaterThan(seen[0] ?? 0);
    await expectExact(campaign, codes);
  });

  it("restore: callers of one process share an attempt, a failed one is not remembered", async () => {
    const { campaign, codes } = await madeCampaign(records);
    const metrics = createMetrics();
    let failing = true;
    let begun = 0;
    const restore = createRestore({
      ...depsOf(),
      logger: silentLogger,
      metrics,
      pool: {
        ...stores.pool,
        loadBegin(...args) {
          begun++;
          return failing ? Promise.reject(new Error("not now")) : stores.pool.loadBegin(...args);
        },
      },
    });
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => restore(campaign._id)));
    expect([new Set(attempts.map(({ status }) => status)), begun]).to.deep.equal([new Set(["rejected"]), 1]);
    failing = false;
    const outcomes: LoadOutcome[] = await Promise.all(Array.from({ length: 5 }, () => restore(campaign._id)));
    expect([new Set(outcomes), begun]).to.deep.equal([new Set(["loaded"]), 2]);
    await expectExact(campaign, codes);
    const { values } = await metrics.rebuilds.get();
    expect(values.map(({ labels, value }) => [labels.outcome, value])).to.deep.equal([
      ["failed", 1],
      ["loaded", 1],
    ]);
  });
});

function claimIn(answer: unknown): object {
  if (typeof answer === "object" && answer !== null && "claim" in answer) return answer.claim as object;
  throw new Error("no claim");
}

/** Loads; while the lease of the crashed process has not expired, waits for its end on MongoDB's clock. */
async function loadUntilFree(deps: LoadDeps, campaignId: string): Promise<LoadOutcome> {
  for (;;) {
    const outcome = await loadPool(deps, campaignId);
    if (outcome !== "busy") return outcome;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The stores of a process that crashes in its k-th call: that call and every later one fail. */
function dyingAt(
  k: number,
  when: "before" | "after",
  deps: LoadDeps,
): { deps: LoadDeps; last: () => string } {
  let calls = 0;
  let last = "";
  const mortal = <S extends object>(room: string, store: S): S =>
    new Proxy(store, {
      get(target, name, receiver) {
        const method: unknown = Reflect.get(target, name, receiver);
        if (typeof method !== "function") return method;
        return async (...args: unknown[]) => {
          const call = ++calls;
          if (call === k) last = `${room}.${String(name)}`;
          if (call > k || (call === k && when === "before")) throw new Error("this process is dead");
          const reply: unknown = await Reflect.apply(method, target, args);
          if (call === k) throw new Error("this process died before it heard the answer");
          return reply;
        };
      },
    });
  return {
    last: () => last,
    deps: {
      ...deps,
      pool: mortal("pool", deps.pool),
      campaigns: mortal("campaigns", deps.campaigns),
      coupons: mortal("coupons", deps.coupons),
      issuances: mortal("issuances", deps.issuances),
    },
  };
}
