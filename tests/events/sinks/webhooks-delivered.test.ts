import { expect } from "chai";
import type { CloudEvent } from "../../../events/cloud-event.ts";
import { createEventSinks } from "../../../events/sinks/event-sinks.ts";
import { newWebhookSecret } from "../../../events/sinks/webhook-secrets.ts";
import { until } from "../../../local/poll.ts";
import { createSinks, type Sinks } from "../../../record/sinks.ts";
import { type Dispatching, dispatching } from "../../support/dispatching.ts";
import { type EventSale, openedSale } from "../../support/event-sale.ts";
import { type ShiftedClock, shiftedClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { sharedStack } from "../../support/shared-stores.ts";
import { openWebhookReceiver, verified, type WebhookReceiver } from "../../support/webhook-receiver.ts";
import { withStores } from "../../support/with-stores.ts";

describe("a dispatcher and its webhooks", () => {
  const stores = withStores("each");
  const secret = newWebhookSecret();
  let raw: RawRedis;
  let sinks: Sinks;
  let clock: ShiftedClock;
  let receiver: WebhookReceiver;
  let running: Dispatching[];

  before(async () => {
    raw = await openRawRedis((await sharedStack()).redis.url);
  });

  beforeEach(async () => {
    sinks = createSinks(stores.db);
    clock = shiftedClock();
    running = [];
    receiver = await openWebhookReceiver();
  });

  afterEach(async () => {
    await Promise.all(running.map(({ dispatcher }) => dispatcher.stop()));
    await receiver.close();
  });

  after(() => raw.destroy());

  async function addSink(batched: boolean): Promise<void> {
    const settings = { kind: "webhook", url: receiver.url, secrets: [{ secret }] } as const;
    await sinks.add({
      ...{ _id: "crm", thresholds: [], from: "beginning", addedBy: "ada" },
      settings: { ...settings, secrets: [...settings.secrets], ...(batched ? { batched } : {}) },
      ...{ campaignId: undefined, types: undefined },
    });
  }

  function start(): Dispatching {
    const { open } = createEventSinks({ allow: ["loopback"], clock });
    const started = dispatching(stores, { clock, openSink: open, batchMax: 100 });
    running.push(started);
    started.dispatcher.start();
    return started;
  }

  async function sold(count: number): Promise<EventSale> {
    const sale = await openedSale(stores, raw, count);
    await sale.finish(await sale.claim(count));
    await sale.step("sell-out", "OPEN", "SOLD_OUT");
    return sale;
  }

  const told = (): CloudEvent[] => receiver.requests.flatMap((request) => verified(request, secret));
  const hasAll = () => until(() => told().some(({ type }) => type === "campaign.sold_out"), HANG_MS, 20);
  /** The receiver takes what comes from now on; whether the last event has come. */
  function takesAll(): () => boolean {
    const taken: string[] = [];
    receiver.answer = (response, { body }) => {
      taken.push(body);
      response.end();
    };
    return () => taken.join().includes("campaign.sold_out");
  }
  const numbers = (events: readonly CloudEvent[]) =>
    events.flatMap(({ data }) => ("number" in data ? [data.number] : []));
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  for (const batched of [false, true])
    it(`a sale, ${batched ? "several events" : "one event"} a request: each event once, signed and in order`, async () => {
      await addSink(batched);
      await sold(130);
      start();
      expect(await hasAll()).to.equal(true);
      expect(numbers(told())).to.deep.equal(upTo(130));
      expect(told().map(({ sequence }) => sequence)).to.deep.equal(
        told()
          .map(({ sequence }) => sequence)
          .sort(),
      );
      if (batched) expect(receiver.requests.length).to.be.below(10);
      else expect(receiver.requests).to.have.length(130 + 4);
    });

  it("a receiver that fails now and then gets in order what it has not taken yet, and nothing twice", async () => {
    await addSink(false);
    await sold(60);
    receiver.answer = (response) =>
      void response.writeHead(receiver.requests.length % 17 === 0 ? 503 : 204).end();
    start();
    const taken = () => receiver.requests.filter((_, i) => (i + 1) % 17 !== 0);
    const events = () => taken().flatMap((request) => verified(request, secret));
    expect(
      await until(() => events().some(({ type }) => type === "campaign.sold_out"), HANG_MS, 20),
    ).to.equal(true);
    expect(numbers(events())).to.deep.equal(upTo(60));
  });

  it("a receiver that says when to come back is left alone until then", async () => {
    await addSink(true);
    await sold(3);
    receiver.answer = (response) => void response.writeHead(429, { "retry-after": "3000" }).end();
    const { cursors } = start();
    const key = (await sinks.find("crm"))?.key ?? "";
    const failing = async () => (await cursors.ofSink(key))[0]?.failing;
    expect(await until(async () => (await failing()) !== undefined, HANG_MS)).to.equal(true);
    const { since, nextAt, error } = (await failing()) ?? {};
    expect((nextAt?.getTime() ?? 0) - (since?.getTime() ?? 0)).to.equal(3_000_000);
    expect(error).to.equal("the receiver answered 429");
    expect(receiver.requests).to.have.length(1);
  });

  it("a receiver that is gone: its sink is paused with the reason, and goes on when it is resumed", async () => {
    await addSink(true);
    await sold(5);
    receiver.answer = (response) => void response.writeHead(410).end();
    const { dispatcher } = start();
    const seen = () => dispatcher.status()[0];
    const sink = () => sinks.find("crm");
    expect(await until(async () => (await sink())?.paused === true, HANG_MS)).to.equal(true);
    expect((await sink())?.goneBecause).to.equal("the receiver answered 410: it is gone");
    expect(await until(async () => (await sink())?.lease === undefined, HANG_MS)).to.equal(true);
    expect(receiver.requests).to.have.length(1);
    expect(await until(() => seen()?.state === "gone", HANG_MS)).to.equal(true);
    expect(seen()).to.include({ sink: "crm", kind: "webhook", isHere: false });
    receiver.answer = (response) => void response.end();
    expect(await sinks.resume("crm", "ada")).not.to.have.any.keys("paused", "goneBecause");
    expect(await hasAll()).to.equal(true);
    expect(await until(() => seen()?.state === "active" && seen()?.isHere === true, HANG_MS)).to.equal(true);
    expect(numbers(told().slice(-9))).to.deep.equal(upTo(5));
  });

  it("a sink that an operator pauses and resumes is tried at once, however long it was to be left alone", async () => {
    await addSink(true);
    await sold(3);
    receiver.answer = (response) => void response.writeHead(429, { "retry-after": "3000" }).end();
    const { cursors } = start();
    const sink = () => sinks.find("crm");
    const key = (await sink())?.key ?? "";
    const isFailing = async () => (await cursors.ofSink(key))[0]?.failing !== undefined;
    expect(await until(isFailing, HANG_MS)).to.equal(true);
    await sinks.pause("crm", "ada");
    expect(await until(async () => (await sink())?.lease === undefined, HANG_MS)).to.equal(true);
    const isTaken = takesAll();
    await sinks.resume("crm", "ada");
    expect(await until(isTaken, HANG_MS)).to.equal(true);
  });

  it("what a process whose clock was ahead wanted to try the next day is tried at once by the next one", async () => {
    await addSink(true);
    await sold(3);
    receiver.answer = (response) => void response.writeHead(500).end();
    clock.shift(86_400_000);
    const { dispatcher, cursors } = start();
    const key = (await sinks.find("crm"))?.key ?? "";
    const isFailing = async () => (await cursors.ofSink(key))[0]?.failing !== undefined;
    expect(await until(isFailing, HANG_MS)).to.equal(true);
    await dispatcher.stop();
    clock.shift(-86_400_000);
    const isTaken = takesAll();
    start();
    expect(await until(isTaken, HANG_MS)).to.equal(true);
  });
});
