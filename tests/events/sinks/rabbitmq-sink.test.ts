import { createServer, type Socket } from "node:net";
import type { ChannelModel, GetMessage, Options } from "amqplib";
import { expect } from "chai";
import type { CloudEvent } from "../../../events/cloud-event.ts";
import { deliverWithin } from "../../../events/delivery.ts";
import { DeliveryFailed, type RabbitMqSettings, type Sink } from "../../../events/sink.ts";
import { createEventSinks, type EventSinksOptions } from "../../../events/sinks/event-sinks.ts";
import { freePort } from "../../../local/free-port.ts";
import { until } from "../../../local/poll.ts";
import { startService } from "../../../local/service-process.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { type Certificates, makeCertificates } from "../../support/certificates.ts";
import { couponEvents, openedEvent } from "../../support/cloud-events.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { type RabbitMq, startRabbitMq } from "../../support/rabbitmq.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";

const CAMPAIGN = "01J0000000000000000000000A";
const OTHER = "01J0000000000000000000000B";

describe("a sink of RabbitMQ", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let certificates: Certificates;
  let rabbitMq: RabbitMq;
  let broker: ChannelModel;
  let exchange: string;
  let made = 0;
  let opened: Sink[];

  before(async () => {
    dir = temporaryDir();
    certificates = makeCertificates(dir.path);
    rabbitMq = await startRabbitMq({ tls: certificates });
    broker = await rabbitMq.connect();
  });

  after(async () => {
    await rabbitMq.close();
    dir.remove();
  });

  beforeEach(() => {
    exchange = `coupons-${++made}`;
    opened = [];
  });

  afterEach(() => Promise.all(opened.map((sink) => sink.close())));

  function open(given: Partial<RabbitMqSettings> = {}, options: Partial<EventSinksOptions> = {}): Sink {
    const sinks = createEventSinks({ allow: ["loopback"], clock: systemClock, ...options });
    const sink = sinks.open({ kind: "rabbitmq", url: rabbitMq.url, exchange, ...given });
    opened.push(sink);
    return sink;
  }

  const signal = () => new AbortController().signal;
  const deliver = (sink: Sink, events: readonly CloudEvent[]) =>
    deliverWithin(sink, events, HANG_MS, signal());

  async function failureOf(delivering: Promise<void>): Promise<DeliveryFailed> {
    try {
      await delivering;
    } catch (error) {
      if (error instanceof DeliveryFailed) return error;
      throw error;
    }
    throw new Error("it was delivered");
  }

  /** A queue for what has the key, once the exchange is there; named for the exchange and the key. */
  async function bound(key = "#", options: Options.AssertQueue = {}, from = exchange): Promise<string> {
    const channel = await broker.createChannel();
    const queue = `${exchange} ${key}`;
    await channel.assertQueue(queue, { durable: true, ...options });
    await channel.bindQueue(queue, from, key);
    await channel.close();
    return queue;
  }

  /** All messages of a queue, which are removed from it. */
  async function taken(queue: string): Promise<GetMessage[]> {
    const channel = await broker.createChannel();
    const messages: GetMessage[] = [];
    for (;;) {
      const message = await channel.get(queue);
      if (message === false) break;
      channel.ack(message);
      messages.push(message);
    }
    await channel.close();
    return messages;
  }

  const eventIn = ({ content }: GetMessage) => JSON.parse(content.toString("utf8")) as CloudEvent;

  /** Makes the exchange, by a sink that finds no queue. */
  async function declared(): Promise<void> {
    await failureOf(deliver(open(), [openedEvent(CAMPAIGN)]));
    await opened.pop()?.close();
  }

  it("a message is the event, persistent, with the type and the campaign as its routing key, in order", async () => {
    await declared();
    const queue = await bound();
    const events = [openedEvent(CAMPAIGN), ...couponEvents(CAMPAIGN, 300), ...couponEvents(OTHER, 2)];
    await deliver(open(), events);
    const messages = await taken(queue);
    expect(messages.map(eventIn)).to.deep.equal(events);
    expect(messages[0]?.fields.routingKey).to.equal(`campaign.opened.${CAMPAIGN}`);
    expect(messages[1]?.fields.routingKey).to.equal(`coupon.issued.${CAMPAIGN}`);
    expect(messages.at(-1)?.fields.routingKey).to.equal(`coupon.issued.${OTHER}`);
    const [, coupon] = events;
    expect(messages[1]?.properties).to.include({
      ...{ contentType: "application/cloudevents+json; charset=utf-8", deliveryMode: 2 },
      ...{ messageId: coupon?.id, type: "coupon.issued", appId: "coupon-issuer" },
      timestamp: Date.parse(coupon?.time ?? "") / 1_000,
    });
  });

  it("campaigns side by side share a connection, each in order", async () => {
    await declared();
    const queue = await bound();
    const sink = open();
    const batches = Array.from({ length: 8 }, (_, i) => couponEvents(`${CAMPAIGN.slice(0, -1)}${i}`, 60));
    await Promise.all(
      batches.map(async (events) => {
        for (let i = 0; i < events.length; i += 20) await deliver(sink, events.slice(i, i + 20));
      }),
    );
    const all = (await taken(queue)).map(eventIn);
    for (const events of batches)
      expect(all.filter(({ source }) => source === events[0]?.source)).to.deep.equal(events);
    expect(await connectionsOfSinks()).to.equal(1);
  });

  const connectionsOfSinks = async () =>
    (await rabbitMq.ctl("list_connections", "client_properties"))
      .split("\n")
      .filter((line) => line.includes("coupon-issuer")).length;

  it("a missing exchange is made with its companions: what a consumer rejects is kept", async () => {
    await declared();
    const channel = await broker.createChannel();
    // The same declaration again: the broker compares its arguments.
    const alternate = { durable: true, alternateExchange: `${exchange}.unrouted` };
    await channel.assertExchange(exchange, "topic", alternate);
    await channel.assertExchange(`${exchange}.unrouted`, "fanout", { durable: true });
    const queue = await bound("coupon.issued.*", { deadLetterExchange: `${exchange}.dead` });
    const [event] = couponEvents(CAMPAIGN, 1);
    await deliver(open(), couponEvents(CAMPAIGN, 1));
    const message = await channel.get(queue);
    if (message === false) throw new Error("nothing came");
    channel.nack(message, false, false);
    await channel.close();
    const dead: CloudEvent[] = [];
    const isDead = async () => {
      dead.push(...(await taken(`${exchange}.dead`)).map(eventIn));
      return dead.length > 0;
    };
    expect(await until(isDead, HANG_MS)).to.equal(true);
    expect(dead).to.deep.equal([event]);
  });

  it("an exchange that is there is used as it is, by a user who may only write to it", async () => {
    const channel = await broker.createChannel();
    await channel.assertExchange(exchange, "fanout", { durable: false, autoDelete: true });
    await channel.close();
    const queue = await bound();
    await rabbitMq.ctl("add_user", `writer-${made}`, "s3cret");
    await rabbitMq.ctl("set_permissions", `writer-${made}`, "^$", `^${exchange}$`, "^$");
    const url = `amqp://writer-${made}:s3cret@127.0.0.1:${rabbitMq.port}`;
    await deliver(open({ url }), couponEvents(CAMPAIGN, 3));
    expect((await taken(queue)).map(eventIn)).to.deep.equal(couponEvents(CAMPAIGN, 3));
    const { message } = await failureOf(
      deliver(open({ url, exchange: "another" }), couponEvents(CAMPAIGN, 1)),
    );
    expect(message)
      .to.match(/^the broker refused access: ACCESS_REFUSED/)
      .and.not.include("s3cret");
  });

  it("a message that no queue is bound for is not taken, and nothing after it is sent", async () => {
    await declared();
    const sink = open();
    const coupons = await bound("coupon.issued.*");
    const events = [...couponEvents(CAMPAIGN, 5), openedEvent(CAMPAIGN), ...couponEvents(CAMPAIGN, 5, 6)];
    for (let i = 0; i < 2; i++)
      expect((await failureOf(deliver(sink, events))).message).to.equal(
        `no queue is bound for campaign.opened.${CAMPAIGN}`,
      );
    // Once: what was taken is not sent again.
    expect((await taken(coupons)).map(eventIn)).to.deep.equal(events.slice(0, 5));
    const rest = await bound("campaign.#");
    await deliver(sink, events);
    expect((await taken(coupons)).map(eventIn)).to.deep.equal(events.slice(6));
    expect((await taken(rest)).map(eventIn)).to.deep.equal([openedEvent(CAMPAIGN)]);
  });

  it("a queue of the alternate exchange takes what no other wants", async () => {
    await declared();
    await bound("coupon.issued.*");
    const others = await bound("", {}, `${exchange}.unrouted`);
    await deliver(open(), [openedEvent(CAMPAIGN), ...couponEvents(CAMPAIGN, 1)]);
    expect((await taken(others)).map(eventIn)).to.deep.equal([openedEvent(CAMPAIGN)]);
  });

  it("a queue that is full refuses: its messages are sent again, and those that it had are not", async () => {
    await declared();
    const sink = open();
    const queue = await bound("#", { maxLength: 2, overflow: "reject-publish" });
    const events = couponEvents(CAMPAIGN, 5);
    const got: CloudEvent[] = [];
    for (let i = 0; i < 2; i++) {
      expect((await failureOf(deliver(sink, events))).message).to.match(/^a queue did not take a message/);
      got.push(...(await taken(queue)).map(eventIn));
    }
    await deliver(sink, events);
    got.push(...(await taken(queue)).map(eventIn));
    expect(got.map(({ id }) => id).sort()).to.deep.equal(events.map(({ id }) => id).sort());
  });

  it("an exchange that is removed while it is in use is made again", async () => {
    await declared();
    const sink = open();
    const queue = await bound();
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    const channel = await broker.createChannel();
    await channel.deleteExchange(exchange);
    await channel.close();
    expect((await failureOf(deliver(sink, couponEvents(CAMPAIGN, 1, 2)))).message).to.match(
      /^the broker does not know it: NOT_FOUND - no exchange/,
    );
    expect((await failureOf(deliver(sink, couponEvents(CAMPAIGN, 1, 2)))).message).to.match(
      /^no queue is bound/,
    );
    await bound();
    await deliver(sink, couponEvents(CAMPAIGN, 1, 2));
    expect((await taken(queue)).map(eventIn)).to.deep.equal(couponEvents(CAMPAIGN, 2));
  });

  it("a connection that the broker closes is opened again, also in the middle of deliveries", async () => {
    await declared();
    const sink = open();
    const queue = await bound();
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    let isClosed = false;
    const closing = rabbitMq.ctl("close_all_connections", "of the test").then(() => {
      isClosed = true;
    });
    const events = couponEvents(CAMPAIGN, 2_000, 2);
    for (let i = 0; i < events.length; ) {
      try {
        await deliver(sink, events.slice(i, i + 20));
        i += 20;
      } catch (error) {
        if (!(error instanceof DeliveryFailed)) throw error;
      }
      // Events come until the connections are closed, and long enough after that.
      if (i === events.length - 20 && !isClosed) i = 0;
    }
    await closing;
    broker = await rabbitMq.connect();
    const ids = new Set((await taken(queue)).map((message) => eventIn(message).id));
    expect([...ids]).to.deep.equal(couponEvents(CAMPAIGN, 2_001).map(({ id }) => id));
  });

  it("short of memory, the broker blocks: deliveries fail with that reason, and come once it has room", async () => {
    await declared();
    const sink = open();
    const queue = await bound();
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    await rabbitMq.ctl("set_vm_memory_high_watermark", "0.000001");
    try {
      const events = couponEvents(CAMPAIGN, 20, 2);
      for (let i = 0; i < 3; i++) {
        const { message } = await failureOf(deliverWithin(sink, events, 1_000, signal()));
        expect(message).to.equal("the broker takes no messages now: it is short of memory or disk");
      }
      // A delivery that waits goes on by itself.
      const waiting = deliver(sink, events);
      await rabbitMq.ctl("set_vm_memory_high_watermark", "0.4");
      await waiting;
    } finally {
      await rabbitMq.ctl("set_vm_memory_high_watermark", "0.4");
    }
    const ids = (await taken(queue)).map((message) => eventIn(message).id);
    expect([...new Set(ids)]).to.deep.equal(couponEvents(CAMPAIGN, 21).map(({ id }) => id));
  });

  it("killed with SIGKILL and started again in the middle: all that was taken is there, in order", async () => {
    await declared();
    const sink = open();
    const queue = await bound();
    const events = couponEvents(CAMPAIGN, 600);
    let kills = 0;
    for (let i = 0; i < events.length; ) {
      const isDue = kills < 2 && i > 200 * (kills + 1);
      const delivering = deliver(sink, events.slice(i, i + 20));
      const killing = isDue ? rabbitMq.kill() : undefined;
      try {
        await delivering;
        i += 20;
      } catch (error) {
        if (!(error instanceof DeliveryFailed)) throw error;
        expect(error.message).to.match(/^the connection was (lost|reset|refused)$/);
      }
      if (killing === undefined) continue;
      await killing;
      kills++;
      expect((await failureOf(deliver(sink, events.slice(i, i + 20)))).message).to.equal(
        "the connection was refused",
      );
      await rabbitMq.start();
    }
    expect(kills).to.equal(2);
    broker = await rabbitMq.connect();
    const ids = (await taken(queue)).map((message) => eventIn(message).id);
    expect([...new Set(ids)]).to.deep.equal(events.map(({ id }) => id));
  });

  it("a wrong password, user or virtual host fails with the broker's words, without the password", async () => {
    const at = `127.0.0.1:${rabbitMq.port}`;
    const CASES: readonly (readonly [string, RegExp])[] = [
      [`amqp://guest:s3cret@${at}`, /^the broker refused access: ACCESS_REFUSED - Login was refused/],
      [`amqp://nobody:s3cret@${at}`, /^the broker refused access: ACCESS_REFUSED - Login was refused/],
      [`amqp://guest:guest@${at}/nowhere`, /^the broker refused the virtual host/],
    ];
    for (const [url, words] of CASES) {
      const failure = await failureOf(deliver(open({ url }), couponEvents(CAMPAIGN, 1)));
      expect(failure.message).to.match(words).and.not.include("s3cret");
      expect(failure.cause).to.equal(undefined);
    }
  });

  it("a sink that is closed leaves no connection; its deliveries end when they are stopped", async () => {
    await declared();
    await bound();
    const sink = open();
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    expect(await connectionsOfSinks()).to.be.greaterThan(0);
    await Promise.all(opened.splice(0).map((one) => one.close()));
    expect(await until(async () => (await connectionsOfSinks()) === 0, HANG_MS)).to.equal(true);
  });

  describe("whatever answers", () => {
    const sockets = new Set<Socket>();
    let said: Buffer | undefined;
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).resume();
      if (said !== undefined) socket.end(said);
    });
    let url = "";

    before(async () => {
      const port = await freePort();
      await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
      url = `amqp://kim:s3cret@127.0.0.1:${port}`;
    });

    after(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });

    it("nothing: the deadline counts, and a sink that is closed does not wait", async () => {
      said = undefined;
      // Its time stands still: nothing but the closing ends the attempt to connect.
      const sink = open({ url }, { clock: fakeClock() });
      expect(
        (await failureOf(deliverWithin(sink, couponEvents(CAMPAIGN, 1), 100, signal()))).message,
      ).to.equal("no answer within 100 ms");
      const stopping = new AbortController();
      const delivering = sink
        .deliver(couponEvents(CAMPAIGN, 1), stopping.signal)
        .catch((error: Error) => error.name);
      stopping.abort();
      expect(await delivering).to.equal("AbortError");
      await sink.close();
      expect(await until(() => [...sockets].every((socket) => socket.readableEnded), HANG_MS)).to.equal(true);
    });

    for (const [name, bytes] of [
      ["another protocol", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
      ["another version", Buffer.from("AMQP\0\0\x09\x01")],
      [
        "a frame without end",
        Buffer.concat([Buffer.from([1, 0, 0, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(100)]),
      ],
      ["nothing, and closes", Buffer.alloc(0)],
    ] as const)
      it(name, async () => {
        said = bytes;
        const failure = await failureOf(deliver(open({ url }), couponEvents(CAMPAIGN, 1)));
        expect(failure.message).to.match(/^the connection /);
        expect(failure.message).not.to.include("s3cret");
      });
  });

  it("a name that leads to a private network gets no connection", async () => {
    const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
    for (const scheme of ["amqp", "amqps"]) {
      const url = `${scheme}://kim:s3cret@evil.example:${rabbitMq.port}`;
      const failure = await failureOf(deliver(open({ url }, { resolve }), couponEvents(CAMPAIGN, 1)));
      expect(failure.message).to.match(/^evil\.example has no address that is .*EVENT_SINKS_ALLOW/);
    }
    const listed = { allow: ["evil.example"], resolve };
    await failureOf(
      deliver(open({ url: `amqp://evil.example:${rabbitMq.port}` }, listed), couponEvents(CAMPAIGN, 1)),
    );
    expect(await connectionsOfSinks()).to.equal(1);
    const { message } = await failureOf(
      deliver(open({ url: "amqp://k:s3cret@h/a/b" }), couponEvents(CAMPAIGN, 1)),
    );
    expect(message)
      .to.match(/^url: must be amqps/)
      .and.not.include("s3cret");
  });

  it("over TLS: a broker whose certificate is not known here gets no password", async () => {
    await declared();
    const queue = await bound();
    const url = `amqps://guest:guest@localhost:${rabbitMq.tlsPort}`;
    expect((await failureOf(deliver(open({ url }), couponEvents(CAMPAIGN, 1)))).message).to.equal(
      "its certificate is of no authority that is known here",
    );
    const settings = { kind: "rabbitmq", url, exchange };
    const env = { NODE_EXTRA_CA_CERTS: certificates.caFile, SINK_SETTINGS: JSON.stringify(settings) };
    const child = startService({ entry: "tests/events/sinks/sending-process.ts", env });
    expect((await child.exited).code, child.lines.join("\n")).to.equal(0);
    expect((await taken(queue)).map(eventIn)).to.deep.equal(couponEvents(CAMPAIGN, 2));
  });
});
