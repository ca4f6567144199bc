import { expect } from "chai";
import type { Db } from "mongodb";
import { issuanceOf } from "../../campaign/claim-record.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { type Advanced, createFeed, type Feed, type FeedDeps } from "../../events/feed.ts";
import { createLateIssues } from "../../events/late-issues.ts";
import { createLogReader, LOG_START, type Wanted } from "../../events/log-reader.ts";
import { parseThreshold } from "../../events/thresholds.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { createEventLog } from "../../record/event-log.ts";
import { createFeeds } from "../../record/feeds.ts";
import { createIssuedRuns } from "../../record/issued-runs.ts";
import { expectExactLog, readLog } from "../support/event-log.ts";
import { createSale, type EventSale, openedSale } from "../support/event-sale.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type Records, recordsOf } from "../support/made-campaign.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;

describe("the event log", () => {
  const stores = withStores();
  let records: Records;
  let raw: RawRedis;
  let clock: FakeClock;

  before(async () => {
    records = recordsOf(stores.db);
    raw = await openRawRedis(stores.env.REDIS_URL);
    clock = fakeClock();
  });

  after(() => raw.destroy());

  const startSale = (total?: number) => createSale(stores, raw, total);
  const openSale = (total?: number) => openedSale(stores, raw, total);

  type Options = { readonly owner?: string; readonly leaseMs?: number; readonly settleMs?: number };

  function feedOf(options: Options = {}, around: <T extends object>(part: T) => T = (part) => part): Feed {
    const db: Db = stores.db;
    const eventLog = around(createEventLog(db));
    const feeds = around(createFeeds(db));
    const { issuances, history } = records;
    const issuedRuns = createIssuedRuns(db);
    const lateIssues = createLateIssues({
      eventLog,
      feeds,
      issuances,
      issuedRuns,
      clock,
      logger: silentLogger,
    });
    const deps: FeedDeps = {
      ...{ eventLog, feeds, issuances, lateIssues, clock, owner: "one", leaseMs: 60_000, settleMs: 0 },
      ...{ history, pool: stores.pool, ...options },
    };
    return createFeed(deps);
  }

  /** Until the log has all that is settled. */
  async function advance(sale: EventSale, feed: Feed): Promise<Advanced> {
    for (;;) {
      const told = await feed.advance(await sale.campaign());
      if (told !== "behind" && told !== "written") return told;
    }
  }

  async function readAll(sale: EventSale, limit = 3, wanted: Wanted = {}): Promise<CloudEvent[]> {
    const reader = createLogReader({
      ...{ eventLog: createEventLog(stores.db), history: records.history },
      issuedRuns: createIssuedRuns(stores.db),
    });
    const events: CloudEvent[] = [];
    let at = LOG_START;
    for (;;) {
      const read = await reader.read(await sale.campaign(), at, limit, wanted);
      events.push(...read.events);
      at = read.next;
      if (read.isAll) return events;
    }
  }

  it("has changes and coupons in order, up to the first claim under way", async () => {
    const sale = await openSale();
    const feed = feedOf();
    const claims = await sale.claim(4);
    await sale.finish([...claims.slice(0, 1), ...claims.slice(2)]);
    expect(await feed.advance(await sale.campaign())).to.equal("written");
    expect(await expectPrefix(sale.campaignId)).to.equal("0-2 1:1-1");
    expect(await advance(sale, feed)).to.equal("current");
    await sale.finish(claims.slice(1, 2));
    await advance(sale, feed);
    expect(await expectExactLog(stores.db, sale.campaignId)).to.equal("0-2 1:1-1 1:2-4");
    const types = (await readAll(sale)).map(({ type, data }) => ("number" in data ? data.number : type));
    expect(types).to.deep.equal([
      ...["campaign.created", "campaign.scheduled", "campaign.opened"],
      ...[1, 2, 3, 4],
    ]);
  });

  it("coupons of a pool that has opened wait until the opening is on record", async () => {
    const sale = await startSale();
    await sale.load(1, sale.codes);
    await sale.step("schedule", "GENERATING", "SCHEDULED");
    const feed = feedOf();
    await sale.finish(await sale.claim(3));
    await advance(sale, feed);
    expect(await expectPrefix(sale.campaignId)).to.equal("0-1");
    await sale.step("open", "SCHEDULED", "OPEN");
    await advance(sale, feed);
    expect(await expectExactLog(stores.db, sale.campaignId)).to.equal("0-1 2 1:1-3");
  });

  it("is complete once the campaign is over, and not before its last claim is durable", async () => {
    const sale = await openSale(2);
    const feed = feedOf();
    const claims = await sale.claim(2);
    await sale.finish(claims);
    await sale.step("sell-out", "OPEN", "SOLD_OUT");
    expect(await advance(sale, feed)).to.equal("complete");
    expect(await expectExactLog(stores.db, sale.campaignId)).to.equal("0-2 1:1-2 3");
    await sale.step("end", "SOLD_OUT", "ENDED");
    expect(await advance(sale, feed)).to.equal("complete");
    expect(await expectExactLog(stores.db, sale.campaignId)).to.equal("0-2 1:1-2 3 4");
    const { complete } = (await createFeeds(stores.db).find(sale.campaignId)) ?? {};
    expect(complete).to.include({ revision: 4, issued: 2 });
  });

  it("after a rebuild, coupons wait for inserts from before it; one that is later still is late", async () => {
    const sale = await openSale();
    const [first, second, third, fourth] = await sale.claim(4);
    if (!first || !second || !third || !fourth) throw new Error("no claims");
    await sale.finish([first]);
    const waiting = feedOf({ settleMs: HOUR_MS });
    const settled = feedOf({ settleMs: 0, owner: "one" });
    await advance(sale, waiting);
    // Redis is emptied; three claims of the old generation were on their way to MongoDB.
    await sale.load(2, sale.codes.slice(4), [first]);
    await sale.finish(await sale.claim(2));
    await advance(sale, waiting);
    expect(await expectPrefix(sale.campaignId)).to.equal("0-2 1:1-1");
    await records.issuances.insert([issuanceOf(second)]);
    await advance(sale, waiting);
    expect(await expectPrefix(sale.campaignId)).to.equal("0-2 1:1-1");
    await advance(sale, settled);
    expect(await expectExactLog(stores.db, sale.campaignId)).to.equal("0-2 1:1-1 1:2-2,2:1-2");
    // The process of these was stopped all that time.
    await records.issuances.insert([issuanceOf(fourth)]);
    expect(await advance(sale, settled)).to.equal("current");
    clock.pass(HOUR_MS);
    await advance(sale, settled);
    expect(await expectExactLog(stores.db, sale.campaignId)).to.match(/,2:1-2 late 1:4-4$/);
    await records.issuances.insert([issuanceOf(third)]);
    await sale.finish(await sale.claim(1));
    await sale.step("end", "OPEN", "ENDED");
    expect(await advance(sale, settled)).to.equal("complete");
    expect(await expectExactLog(stores.db, sale.campaignId)).to.match(/ late 1:4-4 2:3-3 3 late 1:3-3$/);
    const events = await readAll(sale, 2);
    const numbers = events.flatMap(({ data }) => ("number" in data ? [data.number] : []));
    expect(numbers).to.deep.equal(numbers.map((_, i) => i + 1));
    const late = events.filter(({ data }) => "late" in data).map(({ data }) => "seq" in data && data.seq);
    expect(late).to.deep.equal([4, 3]);
    const order = events.map(({ sequence }) => sequence);
    expect(order).to.deep.equal([...order].sort());
  });

  it("without a pool it waits for the rebuild; without a pool and over, MongoDB alone counts", async () => {
    const sale = await openSale();
    const claims = await sale.claim(2);
    await sale.finish(claims);
    await raw.del(campaignKeys(sale.campaignId).meta);
    await advance(sale, feedOf());
    expect(await expectPrefix(sale.campaignId)).to.equal("0-2");
    await sale.step("end", "OPEN", "ENDED");
    expect(await advance(sale, feedOf())).to.equal("complete");
    expect(await expectExactLog(stores.db, sale.campaignId)).to.equal("0-2 1:1-2 3");
  });

  it("a lease saves double work: the second writer leaves it to the first, until the lease is over", async () => {
    const sale = await openSale();
    await advance(sale, feedOf({ owner: "one" }));
    await sale.finish(await sale.claim(1));
    expect(await advance(sale, feedOf({ owner: "two" }))).to.equal("busy");
    await createFeeds(stores.db).dropLease(sale.campaignId, "one");
    expect(await advance(sale, feedOf({ owner: "two" }))).to.equal("current");
  });

  it("several writers at once, none of which heeds the lease: each coupon is logged once", async () => {
    const sale = await openSale(60);
    const feeds = ["one", "two", "three"].map((owner) => feedOf({ owner, leaseMs: 0 }));
    let isOver = false;
    const writers = feeds.map(async (feed) => {
      while (!isOver) await feed.advance(await sale.campaign());
      // A lease of 0 ms is over in the next millisecond.
      for (;;) {
        const told = await advance(sale, feed);
        if (told !== "busy") return told;
      }
    });
    for (let i = 0; i < 20; i++) await sale.finish((await sale.claim(3)).reverse());
    await sale.step("sell-out", "OPEN", "SOLD_OUT");
    isOver = true;
    expect(await Promise.all(writers)).to.deep.equal(["complete", "complete", "complete"]);
    await expectExactLog(stores.db, sale.campaignId);
  });

  /**
   * A sale with a rebuild and a late insert, whose writer ends after its write number `failing`: its reads
   * change nothing, so to end after one of them is to end before the next write.
   */
  async function saleWithFault(failing: number): Promise<{ calls: number; hasEnded: boolean }> {
    let calls = 0;
    let hasEnded = false;
    const sale = await openSale(6);
    const around = <T extends object>(part: T): T => failingAfter(part, () => ++calls === failing);
    const advanceAll = async () => {
      for (;;)
        try {
          return await advance(sale, feedOf({ leaseMs: 0 }, around));
        } catch (error) {
          if (error !== KILLED) throw error;
          hasEnded = true;
        }
    };
    await advanceAll();
    const [first, second, ...others] = await sale.claim(4);
    if (first === undefined || second === undefined) throw new Error("no claims");
    await sale.finish([first, ...others]);
    await advanceAll();
    await sale.load(2, sale.codes.slice(4), [first, ...others]);
    await sale.finish(await sale.claim(1));
    await advanceAll();
    await records.issuances.insert([issuanceOf(second)]);
    await sale.step("end", "OPEN", "ENDED");
    expect(await advanceAll()).to.equal("complete");
    const log = await expectExactLog(stores.db, sale.campaignId);
    expect(log, `its writer ended after call ${failing}`).to.equal("0-2 1:1-1 1:3-4,2:1-1 3 late 1:2-2");
    return { calls, hasEnded };
  }

  it("a writer that ends between any two of its steps leaves a log that the next one continues", async () => {
    const { calls } = await saleWithFault(0);
    expect(calls).to.be.greaterThan(9);
    for (let failing = 1; failing <= calls; failing++)
      expect((await saleWithFault(failing)).hasEnded).to.equal(true);
  });

  it("is read as events in pieces of any size, with the thresholds and types that are wanted", async () => {
    const sale = await openSale(10);
    const feed = feedOf();
    for (const count of [4, 5, 1]) {
      await sale.finish(await sale.claim(count));
      await advance(sale, feed);
    }
    await sale.step("sell-out", "OPEN", "SOLD_OUT");
    await advance(sale, feed);
    const thresholds = ["20%", "5", "0", "12"].flatMap((text) => parseThreshold(text) ?? []);
    const all = await readAll(sale, 100, { thresholds });
    const told = all.map(({ type, data }) =>
      "threshold" in data ? data.threshold : type.replace(/.*\./, ""),
    );
    expect(told.join(" ")).to.equal(
      [
        "created scheduled opened issued issued issued issued issued 5 issued issued issued 20%",
        "issued issued 0 sold_out",
      ].join(" "),
    );
    for (const limit of [1, 2, 3, 7]) expect(await readAll(sale, limit, { thresholds })).to.deep.equal(all);
    const typesOf = async (wanted: Wanted) => (await readAll(sale, 2, wanted)).map(({ type }) => type);
    expect(await typesOf({ thresholds, types: ["stock.low"] })).to.deep.equal(Array(3).fill("stock.low"));
    expect(await typesOf({ types: ["campaign.opened", "stock.low"] })).to.deep.equal(["campaign.opened"]);
    expect(await typesOf({ types: ["coupon.issued"] })).to.deep.equal(Array(10).fill("coupon.issued"));
    const fifth = all.filter(({ type }) => type === "coupon.issued").at(4)?.time ?? "";
    const sinceMs = Date.parse(fifth);
    const later = all.filter(({ time }) => Date.parse(time) >= sinceMs);
    expect(await readAll(sale, 2, { thresholds, sinceMs })).to.deep.equal(later);
    expect(await readAll(sale, 2, { sinceMs: sinceMs + 86_400_000 })).to.deep.equal([]);
  });

  it("where MongoDB lacks what the log names, nothing is passed over", async () => {
    const sale = await openSale();
    await sale.finish(await sale.claim(3));
    await advance(sale, feedOf());
    await stores.db.collection("issuances").deleteOne({ campaignId: sale.campaignId, seq: 2 });
    const error = await readAll(sale, 10).catch(String);
    expect(error).to.match(/entry \S+ of the event log names issuances that MongoDB lacks/);
  });

  it("rehearsals have no log", async () => {
    const campaign = { ...(await (await startSale()).campaign()), _id: "R0000000000000000000000000" };
    expect(await feedOf().advance(campaign)).to.equal("complete");
    expect(await readLog(stores.db, campaign._id)).to.deep.equal([]);
  });

  /** The log in words, of a sale whose later coupons are not in it yet. */
  async function expectPrefix(campaignId: string): Promise<string> {
    const log = await readLog(stores.db, campaignId);
    return log
      .map((entry) =>
        entry.kind === "changes"
          ? `${entry.from}-${entry.to}`.replace(/^(\d+)-\1$/, "$1")
          : entry.runs.map(({ generation, first, last }) => `${generation}:${first}-${last}`).join(","),
      )
      .join(" ");
  }
});

const WRITES: readonly unknown[] = ["append", "takeLease", "recordComplete"];
const KILLED = new Error("the process ended here");

/** Each write is made; where `fails` says so, its caller never learns of it. */
function failingAfter<T extends object>(part: T, fails: () => boolean): T {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || !WRITES.includes(name)) return member;
      return async (...args: unknown[]) => {
        const result: unknown = await member.apply(target, args);
        if (fails()) throw KILLED;
        return result;
      };
    },
  });
}
