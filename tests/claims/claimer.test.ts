import { expect } from "chai";
import { STORE_AWAY } from "../../campaign/refusal.ts";
import { PROBE_EVERY_MS } from "../../claims/breaker.ts";
import type { Issue } from "../../claims/issue.ts";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { gate, issuedBy, openSale, reasonOf, type Sale, type SaleOptions } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { contentsOf, openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;

describe("claimer", () => {
  const stores = withStores();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(stores.env.REDIS_URL);
  });

  after(async () => {
    raw.destroy();
  });

  const contents = (sale: Sale) => contentsOf(raw, sale.campaign._id);
  const records = (sale: Sale): Promise<IssuanceDoc[]> =>
    stores.db
      .collection<IssuanceDoc>("issuances")
      .find({ campaignId: sale.campaign._id })
      .sort({ seq: 1 })
      .toArray();
  const record = async (doc: Omit<IssuanceDoc, "issuedAt">) => {
    await stores.db.collection<IssuanceDoc>("issuances").insertOne({ ...doc, issuedAt: new Date(1_000) });
  };

  describe("answers", () => {
    it("issues: durable before the answer, its ledger entry gone soon after", async () => {
      const sale = await openSale(stores);
      const { coupon, replayed } = issuedBy(await sale.issue("정 아무개"));
      expect(replayed).to.equal(false);
      expect(coupon).to.include({ code: sale.codes[0], seq: 1, generation: 1, claimKey: "정 아무개" });
      expect(await records(sale)).to.deep.equal([
        {
          _id: coupon.code,
          campaignId: sale.campaign._id,
          claimKey: "정 아무개",
          generation: 1,
          seq: 1,
          issuedAt: new Date(coupon.issuedAtMs),
        },
      ]);
      await sale.claimer.idle();
      expect((await contents(sale)).ledger).to.deep.equal([]);
      expect(sale.claimer.sizes()).to.deep.equal({ claims: 0, commits: 0, settles: 0 });
    });

    it("records the user beside the request where coupons go by request", async () => {
      const sale = await openSale(stores, { onePerUser: false });
      issuedBy(await sale.issue("request-1", { userId: "user-1" }));
      issuedBy(await sale.issue("request-2", { userId: "user-1" }));
      issuedBy(await sale.issue("request-3"));
      expect((await records(sale)).map(({ claimKey, userId }) => [claimKey, userId])).to.deep.equal([
        ["request-1", "user-1"],
        ["request-2", "user-1"],
        ["request-3", undefined],
      ]);
    });

    it("more asks than coupons, many at once and each key three times: exactly N, each key one", async () => {
      const sale = await openSale(stores, { total: 60, deps: { claimBatchMax: 7 } });
      const keys = Array.from({ length: 90 }, (_, i) => `user-${i}`);
      const rounds = [keys, keys, keys.toReversed()].flat();
      const answers = await Promise.all(rounds.map(async (key) => ({ key, issue: await sale.issue(key) })));
      const codeOf = new Map<string, string>();
      for (const { key, issue } of answers) {
        if (issue.kind === "refused") {
          expect(issue.refusal.reason).to.equal("SOLD_OUT");
          continue;
        }
        expect(issue.coupon.code).to.equal(codeOf.get(key) ?? issue.coupon.code);
        codeOf.set(key, issue.coupon.code);
      }
      expect([codeOf.size, new Set(codeOf.values()).size]).to.deep.equal([60, 60]);
      expect([...codeOf.values()].sort()).to.deep.equal([...sale.codes].sort());
      const winners = answers.filter(({ key }) => codeOf.has(key));
      expect(winners.filter(({ issue }) => issue.kind === "refused")).to.deep.equal([]);
      expect(winners.filter(({ issue }) => issue.kind === "issued" && !issue.replayed)).to.have.length(60);
      const durable = await records(sale);
      expect(durable.map(({ claimKey, _id }) => [claimKey, _id]).sort()).to.deep.equal([...codeOf].sort());
      await sale.claimer.idle();
      const { open, claims, ledger } = await contents(sale);
      expect([open.length, Object.keys(claims).length, ledger.length]).to.deep.equal([0, 60, 0]);
    });

    it("a repeated question gets the same coupon, as a replay", async () => {
      const sale = await openSale(stores);
      const first = issuedBy(await sale.issue("a"));
      await sale.claimer.idle();
      const second = issuedBy(await sale.issue("a"));
      expect(second).to.deep.equal({ ...first, replayed: true });
      expect(await records(sale)).to.have.length(1);
    });

    it("refuses before the start with the instant and the wait, and takes nothing", async () => {
      const startsAt = new Date(Date.now() + HOUR_MS);
      const sale = await openSale(stores, { startsAt });
      const issue = await sale.issue("a");
      if (issue.kind !== "refused" || issue.refusal.reason !== "NOT_STARTED") throw new Error("not early");
      expect(issue.refusal.startsAtMs).to.equal(startsAt.getTime());
      expect(issue.refusal.waitMs).to.be.closeTo(HOUR_MS, 10_000);
      expect((await contents(sale)).staged).to.deep.equal(sale.codes);
    });

    it("is early by this server's clock alone, and opens when that has come", async () => {
      const sale = await openSale(stores);
      sale.clock.shift(-2 * HOUR_MS);
      expect(reasonOf(await sale.issue("a"))).to.equal("NOT_STARTED");
      sale.clock.shift(2 * HOUR_MS);
      expect(reasonOf(await sale.issue("a"))).to.equal("issued");
    });

    it("says what a pool that does not issue is", async () => {
      const ended = await openSale(stores, { endsAt: new Date(Date.now() - 1_000) });
      expect(reasonOf(await ended.issue("a"))).to.equal("ENDED");
      const cancelled = await openSale(stores, { state: "CANCELLED" });
      expect(reasonOf(await cancelled.issue("a"))).to.equal("CANCELLED");
      const paused = await openSale(stores);
      await paused.issue("winner");
      await raw.hSet(campaignKeys(paused.campaign._id).meta, "state", "paused");
      expect(reasonOf(await paused.issue("a"))).to.equal("PAUSED");
      expect(reasonOf(await paused.issue("winner"))).to.equal("issued");
    });

    it("a campaign whose codes are not made is not ready; one that is not there is unknown", async () => {
      const unready = await openSale(stores, { generated: 9, load: false });
      expect(reasonOf(await unready.issue("a"))).to.equal("NOT_READY");
      const gone = await openSale(stores, { load: false });
      await stores.db.collection<{ _id: string }>("campaigns").deleteOne({ _id: gone.campaign._id });
      expect(reasonOf(await gone.issue("a"))).to.equal("UNKNOWN_CAMPAIGN");
    });
  });

  describe("who no longer waits", () => {
    it("a caller that has gone before the claim gets nothing, and no code is taken", async () => {
      const sale = await openSale(stores);
      const before = await contents(sale);
      expect(reasonOf(await sale.issue("a", { signal: AbortSignal.abort() }))).to.equal("DEADLINE_EXCEEDED");
      await sale.claimer.idle();
      expect(await contents(sale)).to.deep.equal(before);
    });

    it("leaves while queued: the others of its batch get theirs, it gets none", async () => {
      const door = gate();
      let calls = 0;
      const sale = await openSale(stores, {
        deps: { claimBatchMax: 3 },
        pool: (real) => ({
          ...real,
          async claim(...args) {
            calls++;
            await door.passed;
            return real.claim(...args);
          },
        }),
      });
      const caller = new AbortController();
      // Two batches are all that may be under way; the third is still in the queue when its middle caller
      // leaves.
      const first = Array.from({ length: 6 }, (_, i) => sale.issue(`early-${i}`));
      expect(await until(() => calls === 2, HANG_MS, 1)).to.equal(true);
      const third = [
        sale.issue("before"),
        sale.issue("gone", { signal: caller.signal }),
        sale.issue("after"),
      ];
      caller.abort();
      door.open();
      const answers = await Promise.all([...first, ...third]);
      expect(answers.map(reasonOf)).to.deep.equal([
        ...Array(7).fill("issued"),
        "DEADLINE_EXCEEDED",
        "issued",
      ]);
      expect(
        answers.slice(6).map((issue) => (issue.kind === "issued" ? issue.coupon.claimKey : "-")),
      ).to.deep.equal(["before", "-", "after"]);
      expect(Object.keys((await contents(sale)).claims)).not.to.include("gone");
    });

    it("past the deadline a caller whose claim was sent is told that it is uncertain; what still waited was not tried, and is not", async () => {
      const door = gate();
      let calls = 0;
      const sale = await openSale(stores, {
        deps: { claimBatchMax: 1, issueDeadlineMs: 150 },
        pool: (real) => ({
          ...real,
          async claim(...args) {
            calls++;
            await door.passed;
            return real.claim(...args);
          },
        }),
      });
      const answers = await Promise.all([sale.issue("a"), sale.issue("b"), sale.issue("late")]);
      expect(answers.map(reasonOf)).to.deep.equal(["UNCERTAIN", "UNCERTAIN", "OVERLOADED"]);
      expect(calls).to.equal(2);
      door.open();
      await sale.claimer.idle();
      expect(Object.keys((await contents(sale)).claims).sort()).to.deep.equal(["a", "b"]);
      expect(calls).to.equal(2);
      // The claims that succeeded late became durable without a further call.
      expect(await until(async () => (await records(sale)).length === 2, HANG_MS)).to.equal(true);
    });

    it("once claimed, a caller that leaves does not undo it: the issuance is finished", async () => {
      const door = gate();
      const caller = new AbortController();
      const sale = await openSale(stores, {
        issuances: (real) => ({
          ...real,
          async insert(docs) {
            caller.abort();
            await door.passed;
            return real.insert(docs);
          },
        }),
      });
      const asked = sale.issue("a", { signal: caller.signal });
      door.open();
      expect(reasonOf(await asked)).to.equal("issued");
      expect(await records(sale)).to.have.length(1);
    });

    it("too many at once: the rest is refused untried", async () => {
      const door = gate();
      const sale = await openSale(stores, {
        deps: { claimBatchMax: 1, queueMax: 3 },
        pool: (real) => ({
          ...real,
          async claim(...args) {
            await door.passed;
            return real.claim(...args);
          },
        }),
      });
      const asked = Array.from({ length: 5 }, (_, i) => sale.issue(`user-${i}`));
      const early = await Promise.all(asked.slice(3));
      expect(early.map(reasonOf)).to.deep.equal(["OVERLOADED", "OVERLOADED"]);
      expect(sale.claimer.sizes().claims).to.equal(3);
      door.open();
      expect((await Promise.all(asked.slice(0, 3))).map(reasonOf)).to.deep.equal(Array(3).fill("issued"));
      await sale.claimer.idle();
      expect(Object.keys((await contents(sale)).claims)).to.have.length(3);
    });
  });

  describe("more than it can answer in time", () => {
    /** A sale whose pool is asked for one claim at a time, while the door is open. */
    async function doored(given: Partial<SaleOptions> & { deps?: SaleOptions["deps"] } = {}) {
      let permits = 0;
      const waiting: (() => void)[] = [];
      const letPass = (count: number) => {
        permits = count;
        for (; permits > 0 && waiting.length > 0; permits -= 1) waiting.shift()?.();
      };
      const sale = await openSale(stores, {
        total: 7,
        ...given,
        deps: { claimBatchMax: 1, waitTargetMs: 10, ...given.deps },
        pool: (real) => ({
          ...real,
          async claim(...args) {
            if (permits > 0) permits -= 1;
            else await new Promise<void>((pass) => void waiting.push(pass));
            return real.claim(...args);
          },
        }),
      });
      const open = () => letPass(Number.POSITIVE_INFINITY);
      return { sale, letPass, open, shut: () => letPass(0) };
    }

    /** Has one claim take no time, and then two leave each 600 ms. */
    async function slowed({ sale, open, shut, letPass }: Awaited<ReturnType<typeof doored>>): Promise<void> {
      open();
      await sale.issue("a");
      shut();
      const asked = ["b", "c", "d", "e", "f"].map((key) => sale.issue(key));
      for (const two of [asked.slice(0, 2), asked.slice(2, 4), asked.slice(4)]) {
        letPass(two.length);
        expect((await Promise.all(two)).map(reasonOf)).to.deep.equal(two.map(() => "issued"));
        sale.clock.pass(600);
      }
      await sale.claimer.idle();
    }

    it("refuses at once those who come last, untried, with the time to come again; nobody who was admitted", async () => {
      const slow = await doored();
      const { sale } = slow;
      await slowed(slow);
      const admitted = [sale.issue("g"), sale.issue("h")];
      const last = await sale.issue("i");
      if (last.kind !== "refused" || last.refusal.reason !== "OVERLOADED") throw new Error("not refused");
      // Two before it and itself, 300 ms each, of which the caller's own part is a half or more.
      expect(last.refusal.retryAfterMs).to.be.within(400, 2_000);
      expect(last.refusal.why).to.equal(undefined);
      const next = await sale.issue("j");
      if (next.kind !== "refused" || next.refusal.reason !== "OVERLOADED") throw new Error("not refused");
      expect(last.refusal.retryAfterMs).to.not.equal(next.refusal.retryAfterMs);
      expect(sale.claimer.waitMs()).to.be.within(550, 1_300);
      expect((await sale.metrics.shed.get()).values[0]?.value).to.equal(2);
      slow.open();
      expect((await Promise.all(admitted)).map(reasonOf)).to.deep.equal(["issued", "SOLD_OUT"]);
      expect(Object.keys((await contents(sale)).claims).sort()).to.deep.equal([
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
      ]);
      // The wave is over.
      expect(issuedBy(await sale.issue("a")).replayed).to.equal(true);
    });

    it("answers from memory come all the same", async () => {
      const slow = await doored({ total: 6 });
      const { sale } = slow;
      await slowed(slow);
      slow.open();
      expect(reasonOf(await sale.issue("g"))).to.equal("SOLD_OUT");
      await until(() => sale.claimer.remembered(sale.campaign._id, "x") !== undefined, HANG_MS);
      slow.shut();
      // They wait for Redis: their keys are in the filter of holders only once the winners are read.
      const inside = ["g", "h", "i"].map((key) => sale.issue(key));
      expect(reasonOf(await sale.issue("x"))).to.equal("SOLD_OUT");
      slow.open();
      await Promise.all(inside);
      expect((await sale.metrics.shed.get()).values[0]?.value).to.equal(0);
    });

    it("while the pool's breaker is open that decides, and its probes go on", async () => {
      const slow = await doored();
      const { sale } = slow;
      await slowed(slow);
      const admitted = [sale.issue("g"), sale.issue("h")];
      sale.breakers.pool(sale.campaign._id).suspect();
      const refused = await sale.issue("i");
      expect(refused).to.deep.equal({ kind: "refused", refusal: STORE_AWAY });
      expect((await sale.metrics.shed.get()).values[0]?.value).to.equal(0);
      await until(() => sale.breakers.pool(sale.campaign._id).state() === "closed", HANG_MS);
      slow.open();
      await Promise.all(admitted);
    });

    it("holds so many at a time and no more, of all campaigns together", async () => {
      const slow = await doored({ deps: { heldMax: 4 } });
      const other = await openSale(stores);
      const asks = ["a", "b", "c", "d"].map((key) => slow.sale.issue(key));
      expect(reasonOf((await asks[3]) as Issue), "one campaign has three quarters").to.equal("OVERLOADED");
      const campaignId = other.campaign._id;
      const facts = { onePerUser: true, leastGeneration: 0, maxPerUser: 1 };
      const caller = new AbortController().signal;
      const ask = { campaignId, facts, claimKey: "x", userId: "", caller };
      const fourth = slow.sale.claimer.issue(ask);
      const fifth = await slow.sale.claimer.issue({ ...ask, claimKey: "y" });
      expect(reasonOf(fifth), "of all campaigns").to.equal("OVERLOADED");
      expect((await slow.sale.metrics.shed.get()).values[0]?.value).to.equal(2);
      slow.open();
      expect(reasonOf(await fourth)).to.equal("issued");
      expect((await Promise.all(asks)).map(reasonOf)).to.deep.equal([
        ...["issued", "issued", "issued"],
        "OVERLOADED",
      ]);
      expect(reasonOf(await slow.sale.claimer.issue(ask))).to.equal("issued");
      expect(Object.keys((await contents(slow.sale)).claims).sort()).to.deep.equal(["a", "b", "c"]);
    });

    it("0: nobody is refused for the waiting time", async () => {
      const slow = await doored({ deps: { waitTargetMs: 0 } });
      const { sale } = slow;
      await slowed(slow);
      const admitted = ["d", "e", "f", "g"].map((key) => sale.issue(key));
      slow.open();
      expect((await Promise.all(admitted)).map(reasonOf)).to.not.include("OVERLOADED");
    });
  });

  describe("what a store leaves uncertain", () => {
    const trouble = new Error("the line went dead");

    it("a commit that failed after it happened: uncertain, and the next question gets the same coupon", async () => {
      let failing = true;
      const sale = await openSale(stores, {
        issuances: (real) => ({
          ...real,
          async insert(docs) {
            const outcomes = await real.insert(docs);
            if (failing) throw trouble;
            return outcomes;
          },
        }),
      });
      expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
      failing = false;
      expect(issuedBy(await sale.issue("a"))).to.deep.include({ replayed: true });
      const [only, ...more] = await records(sale);
      expect([only?._id, more]).to.deep.equal([sale.codes[0], []]);
      await sale.claimer.idle();
      expect((await contents(sale)).ledger).to.deep.equal([]);
    });

    it("a commit that failed before it happened: nobody is told of the coupon until it is durable", async () => {
      let failing = true;
      const sale = await openSale(stores, {
        issuances: (real) => ({
          ...real,
          insert: (docs) => (failing ? Promise.reject(trouble) : real.insert(docs)),
        }),
      });
      expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
      expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
      expect(await records(sale)).to.deep.equal([]);
      failing = false;
      // MongoDB gets no insert until a probe has been answered.
      const answered = await until(async () => {
        sale.clock.pass(PROBE_EVERY_MS);
        return reasonOf(await sale.issue("a")) === "issued";
      }, 10_000);
      expect(answered).to.equal(true);
      const { coupon } = issuedBy(await sale.issue("a"));
      expect((await records(sale)).map(({ _id }) => _id)).to.deep.equal([coupon.code]);
      expect(coupon.code).to.equal(sale.codes[0]);
    });

    it("a commit that hangs is given up by its own deadline", async () => {
      const sale = await openSale(stores, {
        deps: { commitDeadlineMs: 60 },
        issuances: (real) => ({ ...real, insert: () => new Promise(() => undefined) }),
      });
      expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
      expect(sale.claimer.sizes().commits).to.equal(0);
      expect((await contents(sale)).ledger).to.have.length(1);
    });

    it("a claim whose answer was lost: uncertain, and the next question finishes it", async () => {
      let failing = true;
      const sale = await openSale(stores, {
        pool: (real) => ({
          ...real,
          async claim(...args) {
            const answers = await real.claim(...args);
            if (failing) throw trouble;
            return answers;
          },
        }),
      });
      expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
      failing = false;
      const { coupon, replayed } = issuedBy(await sale.issue("a"));
      expect([coupon.code, replayed]).to.deep.equal([sale.codes[0], true]);
      expect(await records(sale)).to.have.length(1);
    });

    it("a coupon that is claimed but not durable is committed before anybody hears of it", async () => {
      const door = gate();
      const sale = await openSale(stores, {
        issuances: (real) => ({
          ...real,
          async insert(docs) {
            await door.passed;
            return real.insert(docs);
          },
        }),
      });
      // A server that crashed between the claim and the commit.
      await stores.pool.claim(sale.campaign._id, Date.now(), [{ claimKey: "a", userId: "" }]);
      let answered = false;
      const asked = sale.issue("a").finally(() => {
        answered = true;
      });
      expect(await until(() => sale.claimer.sizes().commits === 1, HANG_MS, 1)).to.equal(true);
      expect([answered, await records(sale)]).to.deep.equal([false, []]);
      door.open();
      expect(issuedBy(await asked)).to.deep.include({ replayed: true });
      expect(await records(sale)).to.have.length(1);
    });

    it("ledger entries that cannot be dropped do not hold up an answer", async () => {
      const sale = await openSale(stores, {
        pool: (real) => ({ ...real, settle: () => Promise.reject(trouble) }),
      });
      expect(reasonOf(await sale.issue("a"))).to.equal("issued");
      await sale.claimer.idle();
      expect((await contents(sale)).ledger).to.have.length(1);
    });
  });

  describe("what MongoDB's indexes decide", () => {
    it("the key has another coupon: that one is the answer, the popped code goes back, an alarm is raised", async () => {
      const sale = await openSale(stores);
      const held = {
        _id: "옛-1",
        campaignId: sale.campaign._id,
        claimKey: "a",
        generation: 0,
        seq: 4,
      };
      await record(held);
      const answer = issuedBy(await sale.issue("a"));
      expect(answer.coupon).to.include({ code: "옛-1", seq: 4, generation: 0, issuedAtMs: 1_000 });
      expect(answer.replayed).to.equal(true);
      await sale.claimer.idle();
      const { open, claims, ledger } = await contents(sale);
      expect(open).to.deep.equal(sale.codes);
      expect([claims, ledger]).to.deep.equal([{ a: "옛-1 0-4 1000" }, []]);
      expect(await sale.alarms("key-taken")).to.equal(1);
      expect(await records(sale)).to.have.length(1);
      expect(issuedBy(await sale.issue("a")).coupon.code).to.equal("옛-1");
    });

    it("the key has another coupon and the popped code is somebody's too: the code does not go back", async () => {
      const sale = await openSale(stores);
      const campaignId = sale.campaign._id;
      await record({ _id: "옛-2", campaignId, claimKey: "a", generation: 0, seq: 5 });
      await record({ _id: sale.codes[0] ?? "", campaignId, claimKey: "b", generation: 0, seq: 6 });
      expect(issuedBy(await sale.issue("a")).coupon.code).to.equal("옛-2");
      expect((await contents(sale)).open).to.deep.equal(sale.codes.slice(1));
      expect(issuedBy(await sale.issue("b")).coupon.code).to.equal(sale.codes[0]);
    });

    it("the code is somebody's: it is dropped, the owner is bound, the request claims again", async () => {
      const sale = await openSale(stores);
      const [stale = "", next] = sale.codes;
      await record({ _id: stale, campaignId: sale.campaign._id, claimKey: "owner", generation: 0, seq: 9 });
      const { coupon } = issuedBy(await sale.issue("a"));
      expect(coupon.code).to.equal(next);
      await sale.claimer.idle();
      const { open, claims, ledger } = await contents(sale);
      expect(open).to.deep.equal(sale.codes.slice(2));
      expect(claims["owner"]).to.equal(`${stale} 0-9 1000`);
      expect([Object.keys(claims).sort(), ledger]).to.deep.equal([["a", "owner"], []]);
      expect(await sale.alarms("code-taken")).to.equal(1);
      expect(issuedBy(await sale.issue("owner"))).to.deep.include({ replayed: true });
      expect((await records(sale)).map(({ claimKey }) => claimKey).sort()).to.deep.equal(["a", "owner"]);
    });

    it("its caller leaves meanwhile: a code was popped for it, so the answer is that it is uncertain", async () => {
      const caller = new AbortController();
      const sale = await openSale(stores, {
        pool: (real) => ({
          ...real,
          async claim(...args) {
            const answers = await real.claim(...args);
            caller.abort();
            return answers;
          },
        }),
      });
      const [stale = ""] = sale.codes;
      await record({ _id: stale, campaignId: sale.campaign._id, claimKey: "owner", generation: 0, seq: 9 });
      expect(reasonOf(await sale.issue("a", { signal: caller.signal }))).to.equal("UNCERTAIN");
    });

    it("gives up after five such codes, and goes on where it was when asked again", async () => {
      const sale = await openSale(stores);
      const campaignId = sale.campaign._id;
      for (const [i, code] of sale.codes.slice(0, 7).entries())
        await record({ _id: code, campaignId, claimKey: `owner-${i}`, generation: 0, seq: i });
      expect(reasonOf(await sale.issue("a"))).to.equal("UNCERTAIN");
      expect(await sale.alarms("code-taken")).to.equal(5);
      expect((await contents(sale)).claims).not.to.have.property("a");
      expect(issuedBy(await sale.issue("a")).coupon.code).to.equal(sale.codes[7]);
      expect(await sale.alarms("code-taken")).to.equal(7);
    });

    it("several of one batch at once: each is settled by itself", async () => {
      const sale = await openSale(stores);
      const campaignId = sale.campaign._id;
      await record({ _id: sale.codes[1] ?? "", campaignId, claimKey: "owner", generation: 0, seq: 1 });
      await record({ _id: "옛-3", campaignId, claimKey: "c", generation: 0, seq: 2 });
      const answers = await Promise.all(["a", "b", "c", "d"].map((key) => sale.issue(key)));
      const codes = answers.map((answer) => issuedBy(answer).coupon.code);
      expect([codes[0], codes[2], codes[3]]).to.deep.equal([sale.codes[0], "옛-3", sale.codes[3]]);
      expect(codes[1]).to.be.oneOf([sale.codes[2], sale.codes[4]]);
      expect(await sale.alarms("key-taken")).to.equal(1);
      expect(await sale.alarms("code-taken")).to.equal(1);
      expect(new Set((await records(sale)).map(({ _id }) => _id)).size).to.equal(5);
    });
  });

  describe("a pool that was lost", () => {
    const fence = (sale: Sale) => raw.hSet(campaignKeys(sale.campaign._id).meta, "token", "elsewhere");
    const forget = (sale: Sale) => raw.unlink(Object.values(campaignKeys(sale.campaign._id)));

    it("fenced: all who wait share one rebuild, and nobody loses or gains a coupon", async () => {
      const sale = await openSale(stores, { total: 40 });
      const before = await Promise.all(Array.from({ length: 10 }, (_, i) => sale.issue(`user-${i}`)));
      await sale.claimer.idle();
      await fence(sale);
      const after = await Promise.all(Array.from({ length: 50 }, (_, i) => sale.issue(`user-${i}`)));
      expect(after.filter(({ kind }) => kind === "issued")).to.have.length(40);
      expect(after.filter((issue) => issue.kind === "refused").map(reasonOf)).to.deep.equal(
        Array(10).fill("SOLD_OUT"),
      );
      expect(after.slice(0, 10).map((issue) => issuedBy(issue).coupon)).to.deep.equal(
        before.map((issue) => issuedBy(issue).coupon),
      );
      expect(new Set(after.slice(0, 40).map((issue) => issuedBy(issue).coupon.code)).size).to.equal(40);
      expect(issuedBy(await sale.issue("user-10")).coupon).to.include({
        generation: 2,
        seq: 1,
      });
      const [loads] = (await sale.metrics.rebuilds.get()).values.filter(
        ({ labels }) => labels.outcome === "loaded",
      );
      expect(loads?.value).to.equal(2);
    });

    it("gone altogether: made again from MongoDB, codes minus issuances", async () => {
      const sale = await openSale(stores);
      const first = issuedBy(await sale.issue("a"));
      await sale.claimer.idle();
      await forget(sale);
      expect(issuedBy(await sale.issue("a"))).to.deep.equal({ ...first, replayed: true });
      expect(issuedBy(await sale.issue("b")).coupon).to.include({ generation: 2, code: sale.codes[1] });
    });

    it("the highest generation seen outlives the lane in which it was seen", async () => {
      const told: number[] = [];
      const sale = await openSale(stores, {
        pool: (real) => ({
          ...real,
          async claim(campaignId, nowMs, asks, mode, leastGeneration = 0) {
            if (campaignId !== sale.campaign._id)
              return asks.map(() => ({ kind: "sold" as const, total: 10 }));
            told.push(leastGeneration);
            return real.claim(campaignId, nowMs, asks, mode, leastGeneration);
          },
        }),
      });
      const facts = { onePerUser: true, leastGeneration: 0, maxPerUser: 1 };
      const caller = { aborted: false };
      await sale.issue("a");
      await sale.issue("b");
      await sale.claimer.idle();
      for (let i = 0; i <= 1_000; i++) {
        await sale.claimer.issue({ campaignId: `c${i}`, facts, claimKey: "x", userId: "", caller });
      }
      await sale.issue("c");
      expect(told).to.deep.equal([0, 1, 1]);
    });

    it("claimed before the pool was lost, durable only after it was rebuilt: adopted by the new one", async () => {
      const door = gate();
      let inserting = 0;
      const sale = await openSale(stores, {
        issuances: (real) => ({
          ...real,
          async insert(docs) {
            inserting++;
            await door.passed;
            return real.insert(docs);
          },
        }),
      });
      const asked = sale.issue("a");
      expect(await until(() => inserting === 1, HANG_MS, 1)).to.equal(true);
      await forget(sale);
      expect(await sale.restore(sale.campaign._id)).to.equal("loaded");
      expect((await contents(sale)).open.concat((await contents(sale)).staged)).to.deep.equal(sale.codes);
      door.open();
      const { coupon } = issuedBy(await asked);
      expect(coupon).to.include({ code: sale.codes[0], generation: 1, seq: 1 });
      await sale.claimer.idle();
      const { meta, open, staged, claims } = await contents(sale);
      expect(meta["generation"]).to.equal("2");
      expect(open.concat(staged)).to.deep.equal(sale.codes.slice(1));
      expect(claims).to.deep.equal({ a: `${coupon.code} 1-1 ${coupon.issuedAtMs}` });
      expect(issuedBy(await sale.issue("b")).coupon.code).to.equal(sale.codes[1]);
      expect(await sale.alarms("code-taken")).to.equal(0);
    });

    it("lost between claim and settling: the entry is not dropped from a pool that does not answer, but after the rebuild", async () => {
      const sale = await openSale(stores, {
        issuances: (real) => ({
          ...real,
          async insert(docs) {
            await fence(sale);
            return real.insert(docs);
          },
        }),
      });
      const { coupon } = issuedBy(await sale.issue("a"));
      await sale.claimer.idle();
      const { meta, claims, ledger } = await contents(sale);
      expect([meta["generation"], claims, ledger]).to.deep.equal([
        "2",
        { a: `${coupon.code} 1-1 ${coupon.issuedAtMs}` },
        [],
      ]);
    });

    it("rebuilt by somebody else meanwhile: waits and asks again, within its deadline", async () => {
      const sale = await openSale(stores);
      await fence(sale);
      const { campaigns } = recordsOf(stores.db);
      await campaigns.takeLease(sale.campaign._id, "another process", 60_000, false);
      let answered = false;
      const asked = sale.issue("a").finally(() => {
        answered = true;
      });
      const busy = async () => {
        const { values } = await sale.metrics.rebuilds.get();
        return (values.find(({ labels }) => labels.outcome === "busy")?.value ?? 0) >= 2;
      };
      expect(await until(busy, HANG_MS, 5)).to.equal(true);
      expect(answered).to.equal(false);
      await campaigns.dropLease(sale.campaign._id, "another process");
      expect(issuedBy(await asked).coupon).to.include({ code: sale.codes[0], generation: 2 });
    });
  });
});
