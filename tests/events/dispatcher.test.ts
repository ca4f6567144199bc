import { expect } from "chai";
import type { CloudEvent } from "../../events/cloud-event.ts";
import type { DispatcherDeps } from "../../events/dispatcher.ts";
import { until } from "../../local/poll.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { createSinks, type NewSink, type Sinks } from "../../record/sinks.ts";
import { type Dispatching, dispatching } from "../support/dispatching.ts";
import { expectExactLog } from "../support/event-log.ts";
import { type EventSale, openedSale } from "../support/event-sale.ts";
import { type ShiftedClock, shiftedClock } from "../support/fake-clock.ts";
import { firstOf, openReceiver, type Receiver } from "../support/http-sink.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { withStores } from "../support/with-stores.ts";

const DAY_MS = 86_400_000;

describe("deliveries to sinks", () => {
  const stores = withStores("each");
  let raw: RawRedis;
  let sinks: Sinks;
  let clock: ShiftedClock;
  let receivers: Receiver[];
  let running: Dispatching[];
  /** By the owner id of their leases. */
  let processes: Map<string, ServiceProcess>;

  before(async () => {
    raw = await openRawRedis(
      (await import("../support/shared-stores.ts").then((m) => m.sharedStack())).redis.url,
    );
  });

  beforeEach(() => {
    sinks = createSinks(stores.db);
    clock = shiftedClock();
    receivers = [];
    running = [];
    processes = new Map();
  });

  afterEach(async () => {
    await Promise.all([...processes.values()].map((child) => child.kill()));
    await Promise.all(running.map(({ dispatcher }) => dispatcher.stop()));
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });

  after(() => raw.destroy());

  async function addSink(name: string, given: Partial<NewSink> = {}): Promise<Receiver> {
    const receiver = await openReceiver();
    receivers.push(receiver);
    const settings = { kind: "webhook", url: receiver.url, secrets: [] } as const;
    const added = await sinks.add({
      ...{
        _id: name,
        settings: { ...settings, secrets: [] },
        thresholds: [],
        from: "beginning",
        addedBy: "ada",
      },
      ...{ campaignId: undefined, types: undefined, ...given },
    });
    if (added === null) throw new Error(`there is a sink ${name}`);
    return receiver;
  }

  function start(given: Partial<DispatcherDeps> = {}): Dispatching {
    const started = dispatching(stores, { clock, ...given });
    running.push(started);
    started.dispatcher.start();
    return started;
  }

  const openSale = (total: number) => openedSale(stores, raw, total);

  async function sell(sale: EventSale, count: number): Promise<void> {
    await sale.finish((await sale.claim(count)).reverse());
  }

  const endSale = (sale: EventSale) => sale.step("sell-out", "OPEN", "SOLD_OUT");
  const numbersOf = (events: readonly CloudEvent[]) =>
    events.flatMap(({ data }) => ("number" in data ? [data.number] : []));

  /** Waits for all events of a sale that sold out, and expects them in order and none missing. */
  async function expectAll(receiver: Receiver, sale: EventSale, total: number): Promise<CloudEvent[]> {
    const first = () => firstOf(receiver.taken, sale.campaignId);
    await until(() => first().some(({ type }) => type === "campaign.sold_out"), HANG_MS, 20);
    const events = first();
    expect(events.map(({ sequence }) => sequence)).to.deep.equal(
      events.map(({ sequence }) => sequence).sort(),
    );
    expect(numbersOf(events)).to.deep.equal(Array.from({ length: total }, (_, i) => i + 1));
    const changes = events
      .filter(({ type }) => type.startsWith("campaign."))
      .map(({ type }) => type.slice(9));
    expect(changes).to.deep.equal(["created", "scheduled", "opened", "sold_out"]);
    return events;
  }

  it("takes a turn of its pace for each thing that costs the process time: log, reading, delivery", async () => {
    const sale = await openSale(10);
    const receiver = await addSink("all");
    let turns = 0;
    const inTurn: boolean[] = [];
    const { feed } = dispatching(stores, { clock });
    start({
      pace: {
        async run(work) {
          turns++;
          return await work().finally(() => turns--);
        },
      },
      feed: {
        reached: feed.reached,
        advance(campaign) {
          inTurn.push(turns > 0);
          return feed.advance(campaign);
        },
      },
    });
    await sell(sale, 10);
    await endSale(sale);
    await expectAll(receiver, sale, 10);
    expect(inTurn).to.include(true).and.not.include(false);
  });

  it("several campaigns side by side, each in order, to each sink what it wants", async () => {
    const [one, two] = [await openSale(40), await openSale(15)];
    const all = await addSink("all");
    const stock = await addSink("stock", { types: ["stock.low"], thresholds: ["50%", "3"] });
    const only = await addSink("only", { campaignId: two.campaignId });
    const { cursors } = start();
    for (let i = 0; i < 5; i++) await Promise.all([sell(one, 8), sell(two, 3)]);
    await Promise.all([endSale(one), endSale(two)]);
    const events = await expectAll(all, one, 40);
    expect(all.taken, "without a fault each event comes once").to.have.length(
      new Set(all.taken.map(({ id }) => id)).size,
    );
    expect(events.find(({ type }) => type === "coupon.issued")?.data).to.include({ userId: "user-1" });
    await expectAll(all, two, 15);
    await expectAll(only, two, 15);
    expect(firstOf(only.taken, one.campaignId)).to.deep.equal([]);
    const isDone = async () => {
      const keys = (await sinks.list()).map(({ key }) => key);
      const read = await Promise.all(keys.map((key) => cursors.ofSink(key)));
      return read.flat().filter(({ doneRevision }) => doneRevision === 3).length === 5;
    };
    expect(await until(isDone, HANG_MS, 50), "cursors of all sinks are at the end").to.equal(true);
    const told = stock.taken.map(
      ({ source, data }) => "remaining" in data && `${source.slice(-4)} ${data.remaining}`,
    );
    const ends = [one, two].map(({ campaignId }) => campaignId.slice(-4));
    expect(told.sort()).to.deep.equal(
      [`${ends[0]} 20`, `${ends[0]} 3`, `${ends[1]} 7`, `${ends[1]} 3`].sort(),
    );
  });

  it("a receiver that fails, hangs or answers late misses nothing, and holds back nobody else", async () => {
    const sale = await openSale(60);
    const [good, bad, hanging] = [await addSink("good"), await addSink("bad"), await addSink("hanging")];
    bad.answer = () => 500;
    hanging.answer = () => "hang";
    start({ deliveryDeadlineMs: 300 });
    await sell(sale, 60);
    await endSale(sale);
    await expectAll(good, sale, 60);
    expect(await until(() => bad.refused() > 2 && hanging.refused() > 1, HANG_MS)).to.equal(true);
    expect([bad.taken, hanging.taken]).to.deep.equal([[], []]);
    let asked = 0;
    bad.answer = () => (++asked % 3 === 0 ? 200 : 500);
    hanging.answer = () => 200;
    await Promise.all([expectAll(bad, sale, 60), expectAll(hanging, sale, 60)]);
  });

  it("what a sink refuses for a day is put aside, all else goes on; it is replayed or dropped", async () => {
    const sale = await openSale(30);
    const receiver = await addSink("crm");
    const isPoison = ({ data }: CloudEvent) => "number" in data && (data.number === 7 || data.number === 20);
    receiver.answer = (events) => (events.some(isPoison) ? 500 : 200);
    const { deadLetters, cursors } = start();
    const key = (await sinks.find("crm"))?.key ?? "";
    await sell(sale, 30);
    await endSale(sale);
    let failedAt = "";
    for (const count of [1, 2]) {
      // By then the batch is one event. The cursor moves on after the letter was added: until then it still
      // tells of the event before.
      const isAlone = async () => {
        const alone = (await cursors.ofSink(key)).find(({ failing }) => (failing?.attempts ?? 0) >= 8);
        const at = `${alone?.n}/${alone?.index}`;
        if (alone === undefined || at === failedAt) return false;
        failedAt = at;
        return true;
      };
      expect(await until(isAlone, HANG_MS)).to.equal(true);
      clock.pass(DAY_MS);
      expect(await until(async () => (await deadLetters.count(key)) === count, HANG_MS)).to.equal(true);
    }
    const sold = () => receiver.taken.some(({ type }) => type === "campaign.sold_out");
    expect(await until(sold, HANG_MS)).to.equal(true);
    const wanted = Array.from({ length: 30 }, (_, i) => i + 1).filter(
      (number) => number !== 7 && number !== 20,
    );
    expect(numbersOf(firstOf(receiver.taken, sale.campaignId))).to.deep.equal(wanted);
    const [first, second] = await deadLetters.list(key, "", 10);
    expect(first).to.include({ events: 1, sink: "crm", campaignId: sale.campaignId });
    expect(first?.failing.error).to.equal("the receiver answered 500");
    // It is refused again, and kept.
    await deadLetters.replay(key, [first?._id ?? ""]);
    const attempts = async () => (await deadLetters.list(key, "", 1))[0]?.failing.attempts ?? 0;
    const before = first?.failing.attempts ?? 0;
    expect(await until(async () => (await attempts()) > before, HANG_MS)).to.equal(true);
    receiver.answer = () => 200;
    await deadLetters.replay(key, [first?._id ?? ""]);
    expect(await until(async () => (await deadLetters.count(key)) === 1, HANG_MS)).to.equal(true);
    expect(numbersOf(receiver.taken.slice(-1))).to.deep.equal([7]);
    expect(await deadLetters.drop(key, [second?._id ?? ""])).to.equal(1);
  });

  it("a sink from now on gets what happens after it was added, also of campaigns that have begun", async () => {
    const [over, begun] = [await openSale(3), await openSale(6)];
    await sell(over, 3);
    await endSale(over);
    await sell(begun, 4);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const receiver = await addSink("late", { from: "now" });
    start();
    await sell(begun, 2);
    await endSale(begun);
    const sold = () => receiver.taken.some(({ type }) => type === "campaign.sold_out");
    expect(await until(sold, HANG_MS)).to.equal(true);
    const told = receiver.taken.map(({ type, data }) => ("number" in data ? data.number : type));
    expect(told).to.deep.equal([5, 6, "campaign.sold_out"]);
    expect(await stores.db.collection("events").countDocuments({ campaignId: over.campaignId })).to.equal(0);
  });

  it("a paused sink gets nothing, and goes on where it was; a removed one nothing more", async () => {
    const sale = await openSale(20);
    const receiver = await addSink("crm");
    const { dispatcher } = start();
    await sell(sale, 5);
    const has = (count: number) => until(() => numbersOf(receiver.taken).length >= count, HANG_MS);
    expect(await has(5)).to.equal(true);
    await sinks.pause("crm", "ada");
    const isFree = async () => (await sinks.find("crm"))?.lease === undefined;
    expect(await until(isFree, HANG_MS)).to.equal(true);
    const isSeen = () => dispatcher.status()[0]?.state === "paused";
    expect(await until(isSeen, HANG_MS)).to.equal(true);
    await sell(sale, 5);
    await sinks.resume("crm", "ada");
    expect(await has(10)).to.equal(true);
    expect(numbersOf(receiver.taken)).to.deep.equal(Array.from({ length: 10 }, (_, i) => i + 1));
    await sinks.remove("crm");
  });

  it("processes that are killed in a sale: the next one goes on, nothing is missing and the order is kept", async () => {
    const total = 1_000;
    const sale = await openSale(total);
    const receiver = await addSink("crm");
    const spawn = async () => {
      const child = startService({ entry: "tests/events/dispatching-process.ts", env: stores.env });
      const owner = await child.waitForLine((line) => /^[0-9a-f-]{36}$/.test(line), HANG_MS);
      processes.set(owner, child);
    };
    await Promise.all([spawn(), spawn()]);
    let killed = 0;
    for (let i = 0; i < total; i += 20) {
      await sell(sale, 20);
      if (i % 240 !== 0 || i === 0) continue;
      // While events come, the process that delivers them is killed at any of its steps.
      const before = receiver.taken.length;
      expect(await until(() => receiver.taken.length > before, HANG_MS, 1)).to.equal(true);
      const { lease } = (await sinks.find("crm")) ?? {};
      const delivering = processes.get(lease?.owner ?? "");
      expect(delivering?.isRunning).to.equal(true);
      await Promise.all([delivering?.kill(), spawn()]);
      killed++;
    }
    await endSale(sale);
    await expectAll(receiver, sale, total);
    expect(killed).to.equal(4);
    await expectExactLog(stores.db, sale.campaignId);
  });
});
