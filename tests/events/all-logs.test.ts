import { expect } from "chai";
import type { AllLogs } from "../../events/all-logs.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { FEED_START, type FeedReader } from "../../events/feed-reader.ts";
import type { Wanted } from "../../events/log-reader.ts";
import type { FeedOrderDoc } from "../../record/event-documents.ts";
import { createEventParts } from "../../server/event-parts.ts";
import { readLog } from "../support/event-log.ts";
import { type EventSale, openedSale } from "../support/event-sale.ts";
import { shiftedClock } from "../support/fake-clock.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

describe("the order of all event logs", () => {
  const stores = withStores("each");
  const readersClock = shiftedClock();
  let raw: RawRedis;

  before(async () => {
    raw = await openRawRedis(
      (await import("../support/shared-stores.ts").then((m) => m.sharedStack())).redis.url,
    );
  });

  after(() => raw.destroy());

  /** A process that reads all campaigns together. */
  function reader(owner: string) {
    return createEventParts({
      ...{ ...recordsOf(stores.db), db: stores.db, pool: stores.pool, clock: readersClock },
      ...{ logger: silentLogger, owner, leaseMs: 1, commitDeadlineMs: 0 },
    });
  }

  const openSale = (total: number) => openedSale(stores, raw, total);

  async function sell(sale: EventSale, count: number): Promise<void> {
    await sale.finish((await sale.claim(count)).reverse());
  }

  const orderDocs = () => stores.db.collection<FeedOrderDoc>("feed_order").find().sort({ _id: 1 }).toArray();

  /** Expects a chain without a gap, in which each entry of each log is once, and those of a log in order. */
  async function expectExactOrder(sales: readonly EventSale[]): Promise<void> {
    const docs = await orderDocs();
    expect(docs.map(({ _id }) => _id)).to.deep.equal(docs.map((_, i) => i + 1));
    for (const { campaignId } of sales) {
      const ordered = docs
        .filter((doc) => doc.campaignId === campaignId)
        .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
      const log = await readLog(stores.db, campaignId);
      expect(ordered).to.deep.equal(log.map(({ n }) => n));
    }
  }

  async function readAll(feedReader: FeedReader, limit: number, wanted: Wanted = {}): Promise<CloudEvent[]> {
    const events: CloudEvent[] = [];
    for (let place = FEED_START; ; ) {
      const read = await feedReader.read(place, limit, wanted);
      events.push(...read.events);
      place = read.next;
      if (read.isAll) return events;
    }
  }

  /** Brings all up to date, a second after the last call at most. */
  async function advanceAll({ allLogs }: { readonly allLogs: AllLogs }, sinceMs?: number): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      quiet = (await allLogs.advance(sinceMs)) ? 0 : quiet + 1;
      // Where there was nothing to do, it looks again after a fifth of a second.
      readersClock.pass(210);
    }
  }

  it("three processes write it at once, in sales of three campaigns: each entry is in it once", async () => {
    const sales = await Promise.all([openSale(120), openSale(60), openSale(30)]);
    const readers = ["one", "two", "three"].map((owner) => reader(owner));
    let isSelling = true;
    const writing = readers.map(async ({ allLogs }) => {
      while (isSelling) await allLogs.advance(undefined);
    });
    for (let i = 0; i < 30; i++) await Promise.all(sales.map((sale, at) => sell(sale, [4, 2, 1][at] ?? 0)));
    for (const sale of sales) await sale.step("sell-out", "OPEN", "SOLD_OUT");
    isSelling = false;
    await Promise.all(writing);
    const [first] = readers;
    if (first === undefined) throw new Error("there is no reader");
    await advanceAll(first);
    await expectExactOrder(sales);
    const events = await readAll(first.feedReader, 7);
    expect(new Set(events.map(({ id }) => id)).size).to.equal(events.length);
    for (const { campaignId, codes } of sales) {
      const own = events.filter(({ source }) => source.endsWith(campaignId));
      const sequences = own.map(({ sequence }) => sequence);
      expect(sequences).to.deep.equal(sequences.toSorted());
      expect(own.filter(({ type }) => type === "coupon.issued")).to.have.length(codes.length);
      expect(own.at(-1)?.type).to.equal("campaign.sold_out");
    }
    expect(await readAll(first.feedReader, 1_000), "in pages of any size").to.deep.equal(events);
  });

  it("a campaign that is over is not written for those who want what comes; for others it is", async () => {
    const over = await openSale(3);
    await sell(over, 3);
    await over.step("sell-out", "OPEN", "SOLD_OUT");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const sinceMs = Date.now();
    const live = await openSale(3);
    await sell(live, 1);
    const one = reader("one");
    await advanceAll(one, sinceMs);
    expect(await readLog(stores.db, over.campaignId)).to.deep.equal([]);
    const told = async (wanted: Wanted) =>
      (await readAll(one.feedReader, 10, wanted)).map(({ type, data }) =>
        "number" in data ? data.number : type,
      );
    expect((await told({ sinceMs })).filter((one) => typeof one === "number")).to.deep.equal([1]);
    // It gets more coupons, and is one of those that something happens to.
    await over.step("add", "SOLD_OUT", "OPEN");
    await advanceAll(one, sinceMs);
    expect((await readLog(stores.db, over.campaignId)).length).to.be.greaterThan(0);
    await advanceAll(one);
    await expectExactOrder([over, live]);
  });

  it("goes on with a campaign that leaves the live ones, and with a part that nobody finished", async () => {
    const sale = await openSale(4);
    const one = reader("one");
    await sell(sale, 2);
    await advanceAll(one);
    await sell(sale, 2);
    await sale.step("sell-out", "OPEN", "SOLD_OUT");
    // A process was killed between the log and the order.
    const { feed } = reader("killed");
    while ((await feed.advance(await sale.campaign())) !== "complete");
    await advanceAll(one);
    await expectExactOrder([sale]);
    expect((await readAll(one.feedReader, 100)).at(-1)?.type).to.equal("campaign.sold_out");
    const other = reader("other");
    await advanceAll(other);
    await expectExactOrder([sale]);
  });

  it("a coupon that another process logs late, of a campaign that is over, is in the order too", async () => {
    const sale = await openSale(5);
    const [first, late, ...rest] = await sale.claim(5);
    if (first === undefined || late === undefined) throw new Error("there are no claims");
    await sale.finish([first, ...rest]);
    // The pool is told, and MongoDB has no issuance of it.
    await stores.pool.settle(sale.campaignId, late.generation, [late.seq]);
    await sale.step("end", "OPEN", "ENDED");
    const one = reader("one");
    await advanceAll(one);
    await expectExactOrder([sale]);
    const before = (await orderDocs()).length;
    await sale.finish([late]);
    const { feed, lateIssues } = reader("other");
    lateIssues.askFor(sale.campaignId);
    while ((await feed.advance(await sale.campaign())) !== "complete");
    // The next look at campaigns that are over.
    readersClock.pass(60_000);
    await advanceAll(one);
    expect((await orderDocs()).length).to.be.greaterThan(before);
    await expectExactOrder([sale]);
    expect((await readAll(one.feedReader, 100)).at(-1)?.data).to.include({ seq: late.seq, late: true });
  });
});
