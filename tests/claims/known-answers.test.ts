import { expect } from "chai";
import fc from "fast-check";
import { createKnownAnswers, type KnownAnswers } from "../../claims/known-answers.ts";
import { until } from "../../local/poll.ts";
import type { ClaimAnswer } from "../../pool/answers.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { madeCampaign, recordsOf } from "../support/made-campaign.ts";
import { NO_ERASURES } from "../support/no-erasures.ts";
import { openSale, reasonOf } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const SOLD: ClaimAnswer = { kind: "sold", total: 3 };
/** How long a test waits for an answer that must stay unknown: long enough for a bug to make it known. */
const IN_VAIN_MS = 300;
const STARTS_AT_MS = 1_900_000_000_000;

describe("known answers", () => {
  const stores = withStores();
  let clock: FakeClock;
  let reads: number;

  beforeEach(() => {
    clock = fakeClock();
    reads = 0;
  });

  function create(): KnownAnswers {
    const { campaigns, issuances } = recordsOf(stores.db);
    return createKnownAnswers({
      marks: NO_ERASURES,
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

  /** A campaign of three coupons of which `count` are issued, to user-0, user-1 … */
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

  /** Reports "sold" until the winners have been read; gives up after `withinMs` (not all are winners yet). */
  async function soldAndRead(known: KnownAnswers, id: string, withinMs = HANG_MS): Promise<void> {
    known.learn(id, SOLD, clock.elapsed());
    await until(() => reads > 0, HANG_MS);
    // Each "sold" answer starts one step: the filter first, then the winners.
    await until(() => {
      known.learn(id, SOLD, clock.elapsed());
      return kindOf(known, id, "user-0") !== undefined;
    }, withinMs);
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
      clock.pass(49);
      expect(known.recall("c", "a")).to.deep.equal({
        kind: "early",
        redisWaitMs: 4_950,
        startsAtMs: STARTS_AT_MS,
      });
      expect(known.recall("another", "a")).to.equal(undefined);
      clock.pass(50);
      expect(known.recall("c", "confirms")).to.equal(undefined);
      expect(known.recall("c", "a")).to.deep.include({ kind: "early", redisWaitMs: 4_900 });
      clock.pass(1);
      expect(known.recall("c", "a")).to.equal(undefined);
    });

    it("one request confirms it after half of that, so that the others need not ask", () => {
      const known = create();
      const early = { kind: "early", waitMs: 5_000, startsAtMs: STARTS_AT_MS } as const;
      known.learn("c", { ...early, redisWaitMs: 5_000 }, clock.elapsed());
      for (let leftMs = 4_950; leftMs > 4_000; leftMs -= 50) {
        clock.pass(50);
        expect(known.recall("c", "a", true)?.kind, "it does not go to Redis").to.equal("early");
        expect(known.recall("c", "a")).to.equal(undefined);
        expect(known.recall("c", "a")?.kind).to.equal("early");
        known.learn("c", { ...early, redisWaitMs: leftMs }, clock.elapsed());
      }
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
      // Redis reports whole milliseconds: the start may be one millisecond nearer.
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
      expect(answer?.kind === "replay" && [answer.coupon.seq, answer.coupon.issuedAtMs]).to.deep.equal([
        2, 1_001,
      ]);
      expect(kindOf(known, id, "nobody")).to.equal("sold");
    });

    it("nothing while one of them is not durable; asked again half a second later", async () => {
      const known = create();
      const id = await issued(2);
      await soldAndRead(known, id, IN_VAIN_MS);
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
        marks: NO_ERASURES,
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
          claimKeys: (...asked) => {
            pages++;
            return issuances.claimKeys(...asked);
          },
          inOrder: (...asked) => {
            pages++;
            return issuances.inOrder(...asked);
          },
        },
        clock,
        logger: silentLogger,
      });
      /** Sends a request every quarter of a second for `ms`. */
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
      const isKnown = () => {
        known.learn(id, SOLD, clock.elapsed());
        return kindOf(known, id, "late") === "replay";
      };
      expect(await until(isKnown, HANG_MS)).to.equal(true);
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
        { kind: "withheld" },
        { kind: "not-open", state: "ended" },
        { kind: "frozen" },
        // The pool is quiet: it is about to get added codes.
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
      // An answer that was sent before the addition.
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
      await soldAndRead(known, id, IN_VAIN_MS);
      expect(kindOf(known, id, "nobody")).to.equal(undefined);
    });

    it("other answers change nothing, and unknown campaigns are no trouble", async () => {
      const known = create();
      const id = await issued(3);
      await soldAndRead(known, id);
      for (const kind of ["fenced", "none"] as const) known.learn(id, { kind }, clock.elapsed());
      expect(kindOf(known, id, "nobody")).to.equal("sold");
      reads = 0;
      await soldAndRead(known, "no such campaign", IN_VAIN_MS);
      expect(kindOf(known, "no such campaign", "nobody")).to.equal(undefined);
    });
  });

  describe("how much is kept", () => {
    /**
     * Known answers of campaigns of these sizes, all sold out, with replaced stores; `seen` counts what was
     * read.
     */
    function crowded(totals: Readonly<Record<string, number>>) {
      /**
       * `reads`: how often the winners of a campaign were read. The claim keys of all campaigns are read
       * before, and stay in the filter in any case.
       */
      const seen = { reads: 0, pages: 0, underWay: new Set<string>(), atOnceMost: 0 };
      const begins = (campaignId: string, isFirst: boolean, isLast: boolean) => {
        if (isFirst) seen.underWay.add(campaignId);
        seen.atOnceMost = Math.max(seen.atOnceMost, seen.underWay.size);
        if (isLast) seen.underWay.delete(campaignId);
      };
      const known = createKnownAnswers({
        marks: NO_ERASURES,
        campaigns: { find: async (id) => ({ total: totals[id] }) as CampaignDoc },
        issuances: {
          count: async (campaignId) => totals[campaignId] ?? 0,
          async claimKeys(campaignId, after, limit) {
            const first = after === undefined ? 1 : Number(after.slice("user-".length)) + 1;
            const count = Math.min(limit, (totals[campaignId] ?? 0) - first + 1);
            begins(campaignId, after === undefined, count < limit);
            return Array.from({ length: count }, (_, i) => `user-${first + i}`);
          },
          async inOrder(campaignId, after, limit) {
            seen.pages++;
            if (after === undefined) seen.reads++;
            const first = (after?.seq ?? 0) + 1;
            const count = Math.min(limit, (totals[campaignId] ?? 0) - first + 1);
            begins(campaignId, after === undefined, count < limit);
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
      /** Reports "sold out" of this campaign several times, and waits for all that this starts. */
      const sold = async (id: string) => {
        for (let step = 0; step < 3; step++) {
          known.recall(id, "nobody");
          hear(id);
          // A page is read within a few turns of the microtask queue.
          for (let turn = 0; turn < 5_000; turn++) await Promise.resolve();
        }
      };
      return { known, seen, hear, sold };
    }

    it("two whose winners do not fit together are not read in turn: one answers its winners, both refuse the others", async () => {
      const { known, seen, sold } = crowded({ a: 250_100, b: 250_100 });
      for (let i = 0; i < 6; i++) await sold(i % 2 === 0 ? "a" : "b");
      expect(seen.reads).to.equal(1);
      expect([kindOf(known, "a", "nobody"), kindOf(known, "b", "nobody")]).to.deep.equal(["sold", "sold"]);
      expect([kindOf(known, "a", "user-1"), kindOf(known, "b", "user-1")]).to.deep.equal([
        "replay",
        undefined,
      ]);
      // The first campaign gets no more requests: after a while the other takes its place, and does not lose
      // it at once.
      clock.pass(60_000);
      await sold("b");
      expect([kindOf(known, "b", "nobody"), kindOf(known, "b", "user-1")]).to.deep.equal(["sold", "replay"]);
      await sold("a");
      expect(seen.reads).to.equal(2);
      expect([kindOf(known, "a", "user-1"), kindOf(known, "a", "nobody")]).to.deep.equal([undefined, "sold"]);
    });

    it("one is read at a time", async () => {
      const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, 1_000 * (i + 1) + 1]));
      const { known, seen, hear, sold } = crowded(many);
      for (const id of Object.keys(many)) hear(id);
      for (const id of Object.keys(many)) await sold(id);
      expect([seen.reads, seen.atOnceMost]).to.deep.equal([20, 1]);
      for (const id of Object.keys(many)) expect(kindOf(known, id, "user-1"), id).to.equal("replay");
    });

    it("one that is too large to keep its winners refuses the others from memory, and its winners ask Redis", async () => {
      const { known, seen, sold } = crowded({ huge: 1_000_000 });
      await sold("huge");
      await sold("huge");
      expect(seen.pages).to.equal(0);
      const others = Array.from({ length: 20_000 }, (_, i) => kindOf(known, "huge", `nobody-${i}`));
      const refused = others.filter((kind) => kind === "sold").length;
      expect(refused / others.length).to.be.greaterThan(0.997);
      expect(refused + others.filter((kind) => kind === undefined).length).to.equal(others.length);
      for (let i = 1; i <= 1_000_000; i += 37) expect(kindOf(known, "huge", `user-${i}`)).to.equal(undefined);
    });
  });

  it("whatever the claim keys, and whoever asks when: a winner is never told that all are gone (property)", async () => {
    const key = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
      fc.uuid(),
      fc.nat(300).map(String),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { minLength: 1, maxLength: 60 }),
        fc.array(key, { maxLength: 60 }),
        fc.array(fc.nat(1_500), { minLength: 3, maxLength: 8 }),
        fc.boolean(),
        async (winners, others, waits, isFilterOnly) => {
          const total = winners.length;
          const sorted = winners.toSorted();
          const known = createKnownAnswers({
            marks: NO_ERASURES,
            campaigns: { find: async () => ({ total }) as CampaignDoc },
            issuances: {
              count: async () => total,
              claimKeys: async (_, after) => (after === undefined ? sorted : []),
              async inOrder() {
                if (isFilterOnly) throw new Error("not now");
                return winners.map((claimKey, i) => ({
                  ...{
                    _id: `${i}`,
                    campaignId: "c",
                    claimKey,
                    generation: 1,
                    seq: i + 1,
                    issuedAt: new Date(0),
                  },
                }));
              },
            },
            clock,
            logger: silentLogger,
          });
          const holders = new Set(winners);
          for (const waitMs of waits) {
            known.learn("c", { kind: "sold", total }, clock.elapsed());
            for (let turn = 0; turn < 200; turn++) await Promise.resolve();
            for (const each of winners) expect(known.recall("c", each)?.kind).not.to.equal("sold");
            for (const each of others)
              if (!holders.has(each)) expect(known.recall("c", each)?.kind).not.to.equal("replay");
            clock.pass(waitMs);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("a claimer with it: before the start, after the last, and when the pool has one more again", async () => {
    const sale = await openSale(stores, { total: 3, startsAt: new Date(Date.now() + 4_000) });
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
