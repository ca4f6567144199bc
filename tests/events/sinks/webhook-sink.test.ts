import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { deliverWithin } from "../../../events/delivery.ts";
import { DeliveryFailed, type Sink, type WebhookSettings } from "../../../events/sink.ts";
import { createEventSinks, type EventSinksOptions } from "../../../events/sinks/event-sinks.ts";
import { newWebhookSecret, rotatedSecrets } from "../../../events/sinks/webhook-secrets.ts";
import { until } from "../../../local/poll.ts";
import { startService } from "../../../local/service-process.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { couponEvents, openedEvent } from "../../support/cloud-events.ts";
import { type ShiftedClock, shiftedClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { openWebhookReceiver, verified, type WebhookReceiver } from "../../support/webhook-receiver.ts";

const CAMPAIGN = "01J0000000000000000000000A";
const SECRET = newWebhookSecret();

describe("a webhook", () => {
  let receiver: WebhookReceiver;
  let clock: ShiftedClock;
  let opened: Sink[];

  beforeEach(async () => {
    receiver = await openWebhookReceiver();
    clock = shiftedClock();
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((sink) => sink.close()));
    await receiver.close();
  });

  function open(settings: Partial<WebhookSettings> = {}, options: Partial<EventSinksOptions> = {}): Sink {
    const sinks = createEventSinks({ allow: ["loopback"], clock, ...options });
    const sink = sinks.open({
      kind: "webhook",
      url: receiver.url,
      secrets: [{ secret: SECRET }],
      ...settings,
    });
    opened.push(sink);
    return sink;
  }

  const signal = () => new AbortController().signal;
  const deliver = (sink: Sink, events = couponEvents(CAMPAIGN, 3)) => sink.deliver(events, signal());
  const ids = () => receiver.requests.map(({ headers }) => headers["webhook-id"]);
  const told = () => receiver.requests.flatMap((request) => verified(request, SECRET));

  async function failureOf(delivering: Promise<void>): Promise<DeliveryFailed> {
    try {
      await delivering;
    } catch (error) {
      if (error instanceof DeliveryFailed) return error;
      throw error;
    }
    throw new Error("it was delivered");
  }

  it("one event a request, in order, each signed, over one connection", async () => {
    const events = [openedEvent(CAMPAIGN), ...couponEvents(CAMPAIGN, 4)];
    await deliver(open(), events);
    expect(told()).to.deep.equal(events);
    expect(new Set(ids()).size).to.equal(5);
    expect(receiver.connections()).to.equal(1);
    for (const { headers, body } of receiver.requests) {
      expect(headers["content-type"]).to.equal("application/cloudevents+json; charset=utf-8");
      expect(headers["webhook-id"]).to.match(/^msg_[\w-]{32}$/);
      expect(headers["user-agent"]).to.match(/^coupon-issuer\/\d/);
      expect(JSON.parse(body)).to.include({ specversion: "1.0", source: `/campaigns/${CAMPAIGN}` });
    }
  });

  it("several events a request where the settings say so", async () => {
    const events = couponEvents(CAMPAIGN, 40);
    const sink = open({ batched: true });
    await deliver(sink, events);
    await deliver(sink, events.slice(0, 1));
    expect(receiver.requests).to.have.length(2);
    expect(told()).to.deep.equal([...events, ...events.slice(0, 1)]);
    for (const { headers } of receiver.requests)
      expect(headers["content-type"]).to.equal("application/cloudevents-batch+json; charset=utf-8");
  });

  it("the id of a request is the same for the same events, whenever and by whom they are sent", async () => {
    for (const batched of [undefined, true] as const) {
      const of = { ...(batched ? { batched } : {}) };
      const from = receiver.requests.length;
      await deliver(open(of), couponEvents(CAMPAIGN, 2));
      clock.pass(60_000);
      await deliver(open(of), couponEvents(CAMPAIGN, 2));
      const sent = receiver.requests.slice(from);
      const [first, again] = [sent.slice(0, sent.length / 2), sent.slice(sent.length / 2)];
      expect(again.map(({ headers }) => headers["webhook-id"])).to.deep.equal(
        first.map(({ headers }) => headers["webhook-id"]),
      );
      expect(again.map(({ body }) => body)).to.deep.equal(first.map(({ body }) => body));
      const times = [first, again].map(([one]) => Number(one?.headers["webhook-timestamp"]));
      expect((times[1] ?? 0) - (times[0] ?? 0)).to.be.within(60, 61);
    }
    // Other events, another id; also where the ids of two campaigns are alike.
    const before = ids().length;
    const sink = open({ batched: true });
    for (const events of [couponEvents(CAMPAIGN, 3), couponEvents(CAMPAIGN, 2, 2)])
      await deliver(sink, events);
    expect(new Set(ids().slice(before)).size).to.equal(2);
    expect(ids().slice(0, before)).not.to.include.members(ids().slice(before));
  });

  it("while a secret is replaced, a receiver that knows either one verifies; afterwards only the new one", async () => {
    const fresh = newWebhookSecret();
    const secrets = rotatedSecrets([{ secret: SECRET }], fresh, { nowMs: clock.now(), overlapMs: 60_000 });
    const sink = open({ secrets });
    const [event] = couponEvents(CAMPAIGN, 1);
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    const [during] = receiver.requests;
    if (during === undefined) throw new Error("nothing came");
    expect(String(during.headers["webhook-signature"]).split(" ")).to.have.length(2);
    for (const secret of [SECRET, fresh]) expect(verified(during, secret)).to.deep.equal([event]);
    expect(() => verified(during, newWebhookSecret())).to.throw(/No matching signature/);
    expect(() => verified({ ...during, body: during.body.replace("user-1", "user-2") }, fresh)).to.throw(
      /No matching signature/,
    );
    clock.pass(60_001);
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    const after = receiver.requests[1];
    if (after === undefined) throw new Error("nothing came");
    expect(verified(after, fresh)).to.deep.equal([event]);
    expect(() => verified(after, SECRET)).to.throw(/No matching signature/);
  });

  it("any 2xx is taken; any other answer is not, and its text is told to nobody", async () => {
    const sink = open();
    for (const status of [200, 201, 202, 299]) {
      receiver.answer = (response) => void response.writeHead(status).end("hunter2");
      await deliver(sink);
    }
    for (const status of [199 + 201, 401, 403, 404, 409, 422, 500, 502, 504, 599]) {
      receiver.answer = (response) => void response.writeHead(status, { "x-why": "hunter2" }).end("hunter2");
      const failure = await failureOf(deliver(sink));
      expect(failure.message).to.equal(`the receiver answered ${status}`);
      expect([failure.isGone, failure.retryAfterMs, failure.cause]).to.deep.equal([
        false,
        undefined,
        undefined,
      ]);
    }
  });

  it("a redirect is not followed", async () => {
    const other = await openWebhookReceiver();
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        receiver.answer = (response) => void response.writeHead(status, { location: other.url }).end();
        expect((await failureOf(deliver(open()))).message).to.equal(
          `the receiver answered ${status}: redirects are not followed`,
        );
      }
      expect([other.connections(), receiver.requests.length]).to.deep.equal([0, 5]);
    } finally {
      await other.close();
    }
  });

  it("retry-after is told, as seconds or as a date; 410 says that the receiver is gone", async () => {
    const sink = open();
    const answered = async (status: number, after: string) => {
      receiver.answer = (response) => void response.writeHead(status, { "retry-after": after }).end();
      return failureOf(deliver(sink));
    };
    expect((await answered(429, "30")).retryAfterMs).to.equal(30_000);
    const inAMinute = new Date(Math.ceil(clock.now() / 1_000) * 1_000 + 60_000);
    expect((await answered(503, inAMinute.toUTCString())).retryAfterMs).to.be.within(1_000, 61_000);
    expect((await answered(503, "later")).retryAfterMs).to.equal(undefined);
    const gone = await answered(410, "30");
    expect([gone.isGone, gone.message]).to.deep.equal([true, "the receiver answered 410: it is gone"]);
  });

  it("what was taken before a failure is not sent again, nor is it forgotten for the next delivery", async () => {
    const sink = open();
    const events = couponEvents(CAMPAIGN, 5);
    receiver.answer = (response) => void response.writeHead(receiver.requests.length === 3 ? 500 : 200).end();
    await failureOf(deliver(sink, events));
    expect(receiver.requests).to.have.length(3);
    await deliver(sink, events);
    expect(told()).to.deep.equal([...events.slice(0, 3), ...events.slice(2)]);
    // A replay, later: all of them once more.
    await deliver(sink, events);
    expect(told().slice(-5)).to.deep.equal(events);
  });

  it("a receiver that hangs is left at the deadline, and a delivery that is stopped at once", async () => {
    const sink = open();
    receiver.answer = () => undefined;
    const failure = await failureOf(deliverWithin(sink, couponEvents(CAMPAIGN, 1), 100, signal()));
    expect(failure.message).to.equal("no answer within 100 ms");
    const stopping = new AbortController();
    const delivering = sink.deliver(couponEvents(CAMPAIGN, 1), stopping.signal);
    expect(await until(() => receiver.requests.length === 2, HANG_MS)).to.equal(true);
    stopping.abort();
    expect(await delivering.catch((error: Error) => error.name)).to.equal("AbortError");
    // Both connections are closed: nothing waits for an answer that may still come.
    receiver.answer = (response) => void response.end();
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    expect(receiver.connections()).to.equal(3);
  });

  it("an answer that never ends, or is huge, counts by its status and is not read to its end", async () => {
    const sink = open();
    let written = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536, "x"))) return void response.once("drain", more);
        }
      };
      more();
    };
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    const after = written;
    expect(after).to.be.below(64 * 1_048_576);
    receiver.answer = (response) => void response.writeHead(200).write("a beginning");
    await deliver(sink, couponEvents(CAMPAIGN, 1));
    receiver.answer = (response) => {
      response.writeHead(200, { "content-length": "100" }).write("cut");
      setImmediate(() => receiver.cut("all"));
    };
    await deliver(sink, couponEvents(CAMPAIGN, 1));
  });

  it("a connection that is reset in the middle, or never made, fails; the next delivery makes a new one", async () => {
    const sink = open();
    receiver.answer = () => receiver.cut("all");
    expect((await failureOf(deliver(sink))).message).to.equal("the connection was reset");
    receiver.answer = (response) => void response.end();
    await deliver(sink);
    await receiver.close();
    expect((await failureOf(deliver(sink))).message).to.match(/^the connection was (refused|reset)$/);
    receiver = await openWebhookReceiver({ port: receiver.port });
    await deliver(sink);
  });

  it("a kept connection that the receiver has closed is replaced without a failure", async () => {
    const sink = open();
    for (let i = 1; i <= 5; i++) {
      await deliver(sink, couponEvents(CAMPAIGN, 1));
      receiver.cut("idle");
    }
    expect(receiver.requests).to.have.length(5);
    // It is closed while the request is on its way, every time: this is no answer at last.
    receiver.answer = () => receiver.cut("all");
    expect((await failureOf(deliver(sink, couponEvents(CAMPAIGN, 1)))).message).to.equal(
      "the connection was reset",
    );
  });

  describe("whatever answers", () => {
    let server: Server;
    let sockets: Socket[];
    let said = "";

    beforeEach(async () => {
      sockets = [];
      server = createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => undefined);
        socket.once("data", () => socket.end(said));
      });
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    });

    afterEach(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });

    const ANSWERS: readonly (readonly [string, RegExp])[] = [
      ["", /^the connection was reset$/],
      ["SSH-2.0-OpenSSH_9.2\r\n", /^the answer is no HTTP \(HPE_/],
      [
        "HTTP/1.1 200 OK\r\nx: ".concat("x".repeat(100_000), "\r\n\r\n"),
        /^the answer is no HTTP \(HPE_HEADER_OVERFLOW\)$/,
      ],
      ["HTTP/1.1 100 Continue\r\n\r\n", /^the connection was reset$/],
      [
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        /^the connection was reset$/,
      ],
      ["HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n", /^the receiver answered 999$/],
    ];
    for (const [text, words] of ANSWERS)
      it(JSON.stringify(text.slice(0, 40)), async () => {
        said = text;
        const { port } = server.address() as AddressInfo;
        const failure = await failureOf(deliver(open({ url: `http://127.0.0.1:${port}/` })));
        expect(failure.message).to.match(words);
      });
  });

  describe("its address", () => {
    it("a name that leads to this machine or a private network gets no connection", async () => {
      const url = `https://evil.example:${receiver.port}/`;
      for (const address of ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"]) {
        const resolve = () => Promise.resolve([{ address, family: address.includes(":") ? 6 : 4 }]);
        expect((await failureOf(deliver(open({ url }, { resolve })))).message).to.match(
          /^evil\.example has no address that is public; EVENT_SINKS_ALLOW/,
        );
      }
      expect(receiver.connections()).to.equal(0);
    });

    it("a sink whose URL is not allowed, or no longer, fails each delivery, and says nothing of the URL's secrets", async () => {
      const urls = [
        ...[
          "http://crm.example/s3cret",
          "https://u:s3cret@crm.example/",
          "ftp://crm.example/s3cret",
          "s3cret",
        ],
        ...["https://10.0.0.1/s3cret", "https://[::ffff:10.0.0.1]/s3cret", "https://0x0a000001/s3cret"],
        ...["https://167772161/s3cret", "https://0.0.0.0/s3cret", "https://169.254.169.254/s3cret"],
      ];
      for (const url of urls) {
        const { message } = await failureOf(deliver(open({ url })));
        expect(message)
          .to.match(/^url: must /)
          .and.not.include("s3cret");
      }
      expect((await failureOf(deliver(open({}, { allow: [] })))).message).to.match(
        /^url: .*EVENT_SINKS_ALLOW/,
      );
      expect(receiver.connections()).to.equal(0);
    });

    it("secrets that cannot sign fail each delivery, and are not told", async () => {
      const past = new Date(clock.now() - 1);
      for (const secrets of [[], [{ secret: SECRET, until: past }], [{ secret: "whsec_s3cret!" }]])
        expect((await failureOf(deliver(open({ secrets })))).message).to.equal(
          "secrets: none of them can sign a request now",
        );
    });
  });

  describe("over TLS", () => {
    let dir: ReturnType<typeof temporaryDir>;
    let secure: WebhookReceiver;

    before(async () => {
      dir = temporaryDir();
      const { certFile, keyFile } = makeCertificates(dir.path);
      const [cert, key] = [readFileSync(certFile, "utf8"), readFileSync(keyFile, "utf8")];
      secure = await openWebhookReceiver({ tls: { cert, key } });
    });

    after(async () => {
      await secure.close();
      dir.remove();
    });

    it("a certificate of an authority that is not known here is refused before anything is sent", async () => {
      const failure = await failureOf(deliver(open({ url: secure.url })));
      expect(failure.message).to.equal("its certificate is of no authority that is known here");
      expect(secure.requests).to.have.length(0);
    });

    it("with an authority that the operator has added (NODE_EXTRA_CA_CERTS) it is delivered", async () => {
      const settings = { kind: "webhook", url: secure.url, secrets: [{ secret: SECRET }] };
      const env = {
        NODE_EXTRA_CA_CERTS: `${dir.path}/ca.crt`,
        SINK_SETTINGS: JSON.stringify(settings),
      };
      const child = startService({ entry: "tests/events/sinks/sending-process.ts", env });
      expect((await child.exited).code, child.lines.join("\n")).to.equal(0);
      expect(secure.requests.flatMap((request) => verified(request, SECRET))).to.deep.equal(
        couponEvents(CAMPAIGN, 2),
      );
    });
  });
});
