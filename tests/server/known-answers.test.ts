import { expect } from "chai";
import { until } from "../../local/poll.ts";
import type { ClaimAnswer } from "../../pool/pool.ts";
import type { CampaignDoc } from "../../record/campaigns.ts";
import type { IssuanceDoc } from "../../record/issuances.ts";
import { createKnownAnswers, type KnownAnswers } from "../../server/claims/known-answers.ts";
import { madeCampaign, recordsOf } from "../generator/made-campaign.ts";
import { type FakeClock, fakeClock } from "../runtime/fake-clock.ts";
import { HANG_MS } from "../setup/patience.ts";
import { openStores, silentLogger, type TestStores } from "../setup/shared-stores.ts";
import { openSale, reasonOf } from "./open-sale.ts";

const SOLD: ClaimAnswer = { kind: "sold", total: 3 };
const STARTS_AT_MS = 1_900_000_000_000;

describe("known answers", () => {
  let stores: TestStores;
  let clock: FakeClock;
  let reads: number;

  before(async () => {
    stores = await openStores();
  });

  beforeEach(() => {
    clock = fakeClock();
    reads = 0;
  });

  after(() => stores.close());

  function create(): KnownAnswers {
    const { campaigns, issuances } = recordsOf(stores.db);
    return createKnownAnswers({
      campaigns: {
        find: (id) => {
          reads++;
          return campaigns.find(id);
        },
      },
      issuances,
      clock,
      logger: silentLogger,
    });
  }

  /** A campaign of three of which so many are issued, to user-0, user-1 … */
  async function issued(count: number): Promise<string> {
    const { campaign, codes } = await madeCampaign(recordsOf(stores.db), { total: 3 });
    const docs = codes.slice(0, count).map(
      (code, i): IssuanceDoc => ({
        _id: code,
        campaignId: campaign._id,
        claimKey: `user-${i}`,
        generation: 1,
        seq: i + 1,
        issuedAt: new Date(1_000 + i),
      }),
    );
    if (docs.length > 0) await stores.db.collection<IssuanceDoc>("issuances").insertMany(docs);
    return campaign._id;
  }

  const kindOf = (known: KnownAnswers, id: string, key: string) => known.recall(id, key)?.kind;

  /** After "sold" was heard: until the winners have been read, or it is clear that they were not complete. */
  async function soldAndRead(known: KnownAnswers, id: string): Promise<void> {
    known.learn(id, SOLD, clock.elapsed());
    await until(() => reads > 0, HANG_MS);
    await until(() => kindOf(known, id, "user-0") !== undefined, 300);
  }

  describe("not started", () => {
    it("for a tenth of a second, counted down, then Redis is asked again", () => {
      const known = create();
      expect(known.recall("c", "a")).to.equal(undefined);
      known.learn(
        "c",
        { kind: "early", waitMs: 5_000, redisWaitMs: 5_000, startsAtMs: STARTS_AT_MS },
        clock.elapsed(),
      );
      clock.pass(99);
      expect(known.recall("c", "a")).to.deep.equal({
        kind: "early",
        redisWaitMs: 4_900,
        startsAtMs: STARTS_AT_MS,
      });
      expect(known.recall("another", "a")).to.equal(undefined);
      clock.pass(1);
      expect(known.recall("c", "a")).to.equal(undefined);
    });

    it("never beyond the start by the clock of Redis, however wrong this server's clock is", () => {
      const known = create();
      known.learn(
        "c",
        { kind: "early", waitMs: 3_600_030, redisWaitMs: 30, startsAtMs: STARTS_AT_MS },
        clock.elapsed(),
      );
      clock.pass(28);
      expect(known.recall("c", "a")?.kind).to.equal("early");
      clock.step(-3_600_000);
      // Redis told whole milliseconds: the start may be one nearer.
      clock.pass(1);
      expect(known.recall("c", "a")).to.equal(undefined);
      known.learn(
        "c",
        { kind: "early", waitMs: 3_600_000, redisWaitMs: 0, startsAtMs: STARTS_AT_MS },
        clock.elapsed(),
      );
      expect(known.recall("c", "a")).to.equal(undefined);
    });

    it("counts from before Redis was asked, not from when the answer came", () => {
      const known = create();
      const askedAtMs = clock.elapsed();
      clock.pass(40);
      known.learn("c", { kind: "early", waitMs: 50, redisWaitMs: 50, startsAtMs: STARTS_AT_MS }, askedAtMs);
      clock.pass(8);
      expect(known.recall("c", "a")).to.deep.equal({
        kind: "early",
        redisWaitMs: 1,
        startsAtMs: STARTS_AT_MS,
      });
      clock.pass(1);
      expect(known.recall("c", "a")).to.equal(undefined);
    });
  });

  describe("sold out", () => {
    it("both answers, once every coupon has its durable owner", async () => {
      const known = create();
      const id = await issued(3);
      await soldAndRead(known, id);
      expect(known.recall(id, "user-1")).to.deep.include({ kind: "replay" });
      const answer = known.recall(id, "user-1");
      expect(answer?.kind === "replay" && [answer.held.seq, answer.held.issuedAtMs]).to.deep.equal([
        2, 1_001,
      ]);
      expect(kindOf(known, id, "nobody")).to.equal("sold");
    });

    it("nothing while one of them is not durable; asked again half a second later", async () => {
      const known = create();
      const id = await issued(2);
      await soldAndRead(known, id);
      expect(kindOf(known, id, "nobody")).to.equal(undefined);
      known.learn(id, SOLD, clock.elapsed());
      expect(reads).to.equal(1);
      const { codes } = recordsOf(stores.db).coupons;
      const made = await codes(id, 0, 3);
      await stores.db.collection<IssuanceDoc>("issuances").insertOne({
        _id: made[2] ?? "",
        campaignId: id,
        claimKey: "late",
        generation: 1,
        seq: 3,
        issuedAt: new Date(),
      });
      clock.pass(500);
      await soldAndRead(known, id);
      expect([kindOf(known, id, "late"), kindOf(known, id, "nobody")]).to.deep.equal(["replay", "sold"]);
    });

    it("while one is not durable the others are counted, not read; at waits that double up to some seconds", async () => {
      const { campaigns, issuances } = recordsOf(stores.db);
      const id = await issued(2);
      const atMs: number[] = [];
      let pages = 0;
      let tries = 0;
      let begun = 0;
      const known = createKnownAnswers({
        campaigns: {
          find: (campaignId) => {
            begun++;
            return campaigns.find(campaignId);
          },
        },
        issuances: {
          count: async (campaignId) => {
            atMs.push(clock.elapsed());
            const count = await issuances.count(campaignId);
            tries++;
            return count;
          },
          inOrder: (...asked) => {
            pages++;
            return issuances.inOrder(...asked);
          },
        },
        clock,
        logger: silentLogger,
      });
      /** A request every quarter of a second, for so long. */
      const asked = async (ms: number) => {
        for (let passedMs = 0; passedMs <= ms; passedMs += 250, clock.pass(250)) {
          known.learn(id, SOLD, clock.elapsed());
          expect(await until(() => tries === begun, HANG_MS, 1)).to.equal(true);
          await new Promise(setImmediate);
        }
      };
      await asked(40_000);
      const waits = atMs.slice(1).map((at, i) => at - (atMs[i] ?? 0));
      expect(waits.slice(0, 6)).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
      expect(pages).to.equal(0);
      const [, , third = ""] = await recordsOf(stores.db).coupons.codes(id, 0, 3);
      await stores.db.collection<IssuanceDoc>("issuances").insertOne({
        ...{ _id: third, campaignId: id, claimKey: "late", generation: 1, seq: 3 },
        issuedAt: new Date(),
      });
      await asked(8_000);
      expect(await until(() => kindOf(known, id, "late") === "replay", HANG_MS)).to.equal(true);
      clock.pass(1_000);
      expect(kindOf(known, id, "nobody"), "a second without Redis").to.equal(undefined);
    });

    it("lets one through after a quarter of a second, all after one; winners are known for good", async () => {
      const known = create();
      const id = await issued(3);
      await soldAndRead(known, id);
      clock.pass(249);
      expect(kindOf(known, id, "nobody")).to.equal("sold");
      clock.pass(1);
      const kinds = ["a", "b", "c"].map((key) => kindOf(known, id, key));
      expect(kinds).to.deep.equal([undefined, "sold", "sold"]);
      known.learn(id, SOLD, clock.elapsed());
      clock.pass(249);
      expect(kindOf(known, id, "a")).to.equal("sold");
      clock.pass(751);
      expect(["a", "b"].map((key) => kindOf(known, id, key))).to.deep.equal([undefined, undefined]);
      expect(kindOf(known, id, "user-2")).to.equal("replay");
    });

    it("is forgotten at once when there is a coupon to be had again, or the campaign has ended", async () => {
      const claim = {
        campaignId: "",
        claimKey: "a",
        userId: "",
        code: "가",
        generation: 1,
        seq: 4,
        issuedAtMs: 1,
      };
      for (const answer of [
        { kind: "claimed", claim },
        { kind: "held-back" },
        { kind: "not-open", state: "ended" },
        { kind: "held" },
        // Quiet: more are about to come.
        { kind: "sold", total: 0 },
      ] as const) {
        const known = create();
        const id = await issued(3);
        await soldAndRead(known, id);
        known.learn(id, answer, clock.elapsed());
        expect(kindOf(known, id, "nobody"), answer.kind).to.equal(undefined);
        expect(kindOf(known, id, "user-0"), answer.kind).to.equal("replay");
      }
    });

    it("a larger total: who won before is asked of MongoDB again, and an answer from before says nothing", async () => {
      const known = create();
      const id = await issued(3);
      await soldAndRead(known, id);
      const { value } = await stores.db
        .collection<CampaignDoc>("campaigns")
        .findOneAndUpdate({ _id: id }, { $set: { total: 4 } }, { includeResultMetadata: true });
      expect(value?.total).to.equal(3);
      known.learn(id, { kind: "sold", total: 4 }, clock.elapsed());
      expect([kindOf(known, id, "user-0"), kindOf(known, id, "nobody")]).to.deep.equal([
        undefined,
        undefined,
      ]);
      // An answer that was on its way since before the addition.
      known.learn(id, SOLD, clock.elapsed());
      await until(() => reads > 1, HANG_MS);
      expect(kindOf(known, id, "nobody")).to.equal(undefined);
      await stores.db.collection<IssuanceDoc>("issuances").insertOne({
        _id: `${id} added`,
        campaignId: id,
        claimKey: "added",
        generation: 1,
        seq: 4,
        issuedAt: new Date(),
      });
      await until(() => {
        clock.pass(500);
        known.learn(id, { kind: "sold", total: 4 }, clock.elapsed());
        return kindOf(known, id, "added") === "replay";
      }, 5_000);
      expect([kindOf(known, id, "added"), kindOf(known, id, "nobody")]).to.deep.equal(["replay", "sold"]);
    });

    it("while the record has more than the pool was given, nothing is remembered", async () => {
      const known = create();
      const id = await issued(3);
      await stores.db.collection<CampaignDoc>("campaigns").updateOne({ _id: id }, { $set: { total: 4 } });
      await soldAndRead(known, id);
      expect(kindOf(known, id, "nobody")).to.equal(undefined);
    });

    it("other answers change nothing, and unknown campaigns are no trouble", async () => {
      const known = create();
      const id = await issued(3);
      await soldAndRead(known, id);
      for (const kind of ["fenced", "none"] as const) known.learn(id, { kind }, clock.elapsed());
      expect(kindOf(known, id, "nobody")).to.equal("sold");
      reads = 0;
      await soldAndRead(known, "no such campaign");
      expect(kindOf(known, "no such campaign", "nobody")).to.equal(undefined);
    });
  });

  describe("how much is kept", () => {
    /** A server that knows of campaigns of these sizes, all sold, without a store in the way; how much it has read. */
    function crowded(totals: Readonly<Record<string, number>>) {
      const seen = { reads: 0, pages: 0, atOnce: 0, atOnceMost: 0 };
      const known = createKnownAnswers({
        campaigns: {
          find: async (id) => {
            seen.reads++;
            seen.atOnce++;
            seen.atOnceMost = Math.max(seen.atOnceMost, seen.atOnce);
            return { total: totals[id] } as CampaignDoc;
          },
        },
        issuances: {
          count: async (campaignId) => totals[campaignId] ?? 0,
          async inOrder(campaignId, after, limit) {
            seen.pages++;
            const first = (after?.seq ?? 0) + 1;
            const count = Math.min(limit, (totals[campaignId] ?? 0) - first + 1);
            if (count < limit) seen.atOnce--;
            return Array.from({ length: count }, (_, i) => ({
              _id: `${first + i}`,
              campaignId,
              claimKey: `user-${first + i}`,
              generation: 1,
              seq: first + i,
              issuedAt: new Date(0),
            }));
          },
        },
        clock,
        logger: silentLogger,
      });
      const hear = (id: string) => known.learn(id, { kind: "sold", total: totals[id] ?? 0 }, clock.elapsed());
      const sold = async (id: string) => {
        if (known.recall(id, "nobody") === undefined) hear(id);
        for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
        await new Promise((resolve) => setTimeout(resolve, 150));
      };
      return { known, seen, hear, sold };
    }

    it("two that do not fit together are not read in turn: one is kept, the other asks Redis", async () => {
      const { known, seen, hear, sold } = crowded({ a: 250_100, b: 250_100 });
      for (let i = 0; i < 6; i++) await sold(i % 2 === 0 ? "a" : "b");
      expect(seen.reads).to.equal(2);
      expect([kindOf(known, "a", "nobody"), kindOf(known, "b", "nobody")]).to.deep.equal(["sold", undefined]);
      // Nobody asks for the first any more: after a while the other takes its place, and not back again at once.
      clock.pass(60_000);
      await sold("b");
      expect([kindOf(known, "b", "nobody"), kindOf(known, "b", "user-1")]).to.deep.equal(["sold", "replay"]);
      hear("a");
      expect(seen.reads).to.equal(3);
      expect(kindOf(known, "a", "user-1")).to.equal(undefined);
    });

    it("one is read at a time, and one that is too large never", async () => {
      const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, 1_000 * (i + 1) + 1]));
      const { known, seen, hear, sold } = crowded({ ...many, huge: 400_001 });
      for (const id of Object.keys(many)) hear(id);
      await sold("c0");
      expect([seen.reads, seen.atOnceMost]).to.deep.equal([1, 1]);
      for (const id of Object.keys(many)) await sold(id);
      expect([seen.reads, seen.atOnceMost]).to.deep.equal([20, 1]);
      const { pages } = seen;
      await sold("huge");
      await sold("huge");
      expect([seen.reads, seen.pages]).to.deep.equal([21, pages]);
      expect(kindOf(known, "huge", "nobody")).to.equal(undefined);
    });
  });

  it("a claimer with it: before the start, after the last, and when the pool has one more again", async () => {
    const sale = await openSale(stores, { total: 3, startsAt: new Date(Date.now() + 400) });
    const fromMemory = async () => (await sale.metrics.fromMemory.get()).values[0]?.value ?? 0;
    expect(reasonOf(await sale.issue("a"))).to.equal("NOT_STARTED");
    expect(reasonOf(await sale.issue("b"))).to.equal("NOT_STARTED");
    expect(await fromMemory()).to.equal(1);
    await until(async () => reasonOf(await sale.issue("a")) === "issued", HANG_MS);
    expect(Date.now()).to.be.at.least(sale.campaign.startsAt.getTime());
    await Promise.all([sale.issue("b"), sale.issue("c")]);
    const before = await fromMemory();
    expect(
      await until(async () => {
        expect(reasonOf(await sale.issue("d"))).to.equal("SOLD_OUT");
        return (await fromMemory()) > before;
      }, 5_000),
    ).to.equal(true);
    const held = await sale.issue("b");
    expect(held.kind === "issued" && held.replayed).to.equal(true);
  });
});
