import { type ClientHttp2Session, connect, constants, createServer, type Http2Server } from "node:http2";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { prepareHttp2Drain } from "../../../server/http/drain.ts";
import {
  HTTP2_PATIENCE,
  type Http2Sessions,
  keepHttp2Sessions,
} from "../../../server/http/http2-sessions.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const HANG_MS = 60_000;
const NEVER_MS = 2 ** 30;
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  // An empty SETTINGS frame.
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

describe("connections of the gRPC port", () => {
  let server: Http2Server;
  let sessions: Http2Sessions;
  let clock: FakeClock;
  let callers: (ClientHttp2Session | Socket)[];
  /** Answers to requests that are still waiting. */
  let waiting: (() => void)[];
  /** The number of sessions that the server has. */
  let open: number;

  beforeEach(async () => {
    clock = fakeClock();
    callers = [];
    waiting = [];
    open = 0;
    server = createServer((request, response) => {
      const answer = () => void response.end("ok");
      request.resume();
      if (request.url === "/wait") waiting.push(answer);
      else request.once("end", answer);
    });
    server.on("session", (session) => {
      open++;
      session.once("close", () => open--);
    });
    sessions = keepHttp2Sessions(server, HTTP2_PATIENCE, clock);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  });

  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    let closed = !server.listening;
    if (!closed)
      server.close(() => {
        closed = true;
      });
    const passing = () => {
      clock.pass(HTTP2_PATIENCE.goawayMs);
      return closed;
    };
    expect(await until(passing, HANG_MS)).to.equal(true);
  });

  const port = () => (server.address() as AddressInfo).port;

  async function caller() {
    const session = connect(`http://127.0.0.1:${port()}`);
    callers.push(session);
    const goaways: { code: number; last: number }[] = [];
    session.on("goaway", (code, last) => goaways.push({ code, last }));
    session.on("error", () => undefined);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    await untilWaiting(HTTP2_PATIENCE.pingEveryMs);
    return { session, goaways };
  }

  function ask(session: ClientHttp2Session, path = "/"): Promise<string> {
    return new Promise((resolve) => {
      const stream = session.request({ ":method": "POST", ":path": path });
      stream.once("response", (head) => resolve(String(head[":status"])));
      stream.once("error", (error) => resolve(error.message));
      stream.resume().end("body");
    });
  }

  /** Resolves when sent bytes are in the socket, before any socket is read. */
  const written = () => new Promise((resolve) => setImmediate(resolve));

  /** Waits until the server has a timer of this delay, or has none (`expected` false). */
  async function untilWaiting(ms: number, expected = true): Promise<void> {
    expect(await until(() => clock.waiting().includes(ms) === expected, HANG_MS)).to.equal(true);
  }

  /** Passes time for a peer that answers: each ping is answered before the next is due. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= HTTP2_PATIENCE.pingEveryMs) {
      clock.pass(Math.min(left, HTTP2_PATIENCE.pingEveryMs));
      await untilWaiting(HTTP2_PATIENCE.pingTimeoutMs, false);
    }
  }

  it("one that is idle for minutes is not cut, and serves the next call", async () => {
    const { session, goaways } = await caller();
    expect(await ask(session)).to.equal("200");
    await pass(10 * 60_000);
    expect([session.closed, goaways]).to.deep.equal([false, []]);
    expect(await ask(session)).to.equal("200");
  });

  it("is ended when it is idle for too long, without failing the calls that are on their way just then", async () => {
    const { session, goaways } = await caller();
    await pass(HTTP2_PATIENCE.idleMs - 1_000);
    // The caller has sent the requests, and the server has not read them when the idle time is over.
    const asking = Array.from({ length: 32 }, () => ask(session));
    await written();
    clock.pass(1_000);
    expect(new Set(await Promise.all(asking))).to.deep.equal(new Set(["200"]));
    expect(goaways[0]).to.deep.equal({ code: constants.NGHTTP2_NO_ERROR, last: 2 ** 31 - 1 });
    expect(await until(() => session.closed && open === 0, HANG_MS)).to.equal(true);
  });

  it("a call under way keeps it, however long it takes", async () => {
    const { session, goaways } = await caller();
    const asking = ask(session, "/wait");
    await until(() => waiting.length === 1, HANG_MS);
    // The whole request has arrived.
    await untilWaiting(HTTP2_PATIENCE.requestMs, false);
    await pass(HTTP2_PATIENCE.idleMs + HTTP2_PATIENCE.pingEveryMs);
    expect(goaways).to.deep.equal([]);
    waiting[0]?.();
    expect(await asking).to.equal("200");
    expect(session.closed).to.equal(false);
  });

  it("a peer that has gone without a word is noticed by its silence, whatever it had under way", async () => {
    const socket = connectTcp(port(), "127.0.0.1");
    callers.push(socket);
    socket.on("error", () => undefined).resume();
    socket.write(PREFACE);
    await untilWaiting(HTTP2_PATIENCE.pingEveryMs);
    clock.pass(HTTP2_PATIENCE.pingEveryMs);
    clock.pass(HTTP2_PATIENCE.pingTimeoutMs - 1);
    expect(open).to.equal(1);
    clock.pass(1);
    expect(await until(() => open === 0 && socket.closed, HANG_MS)).to.equal(true);
  });

  it("a peer that never says its first word is sent away", async () => {
    const socket = connectTcp(port(), "127.0.0.1");
    callers.push(socket);
    socket.on("error", () => undefined).resume();
    await until(() => open === 1, HANG_MS);
    clock.pass(HTTP2_PATIENCE.pingTimeoutMs);
    expect(await until(() => open === 0 && socket.closed, HANG_MS)).to.equal(true);
  });

  it("half a request does not hold a stream for ever", async () => {
    const { session } = await caller();
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => undefined).resume();
    stream.write("half");
    await untilWaiting(HTTP2_PATIENCE.requestMs);
    clock.pass(HTTP2_PATIENCE.requestMs);
    expect(await until(() => stream.closed, HANG_MS)).to.equal(true);
    expect(stream.rstCode).to.equal(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(await ask(session)).to.equal("200");
  });

  it("a drain answers what is on its way and what is under way, then everything is closed", async () => {
    const { session } = await caller();
    const slow = ask(session, "/wait");
    await until(() => waiting.length === 1, HANG_MS);
    const onTheirWay = Array.from({ length: 32 }, () => ask(session));
    await written();
    const drained = prepareHttp2Drain(server, sessions, clock)({ patienceMs: NEVER_MS, idleMs: NEVER_MS });
    expect(new Set(await Promise.all(onTheirWay))).to.deep.equal(new Set(["200"]));
    waiting[0]?.();
    expect(await slow).to.equal("200");
    await drained;
    expect(await until(() => open === 0, HANG_MS)).to.equal(true);
  });

  it("a drain does not wait for a peer that does not listen", async () => {
    const socket = connectTcp(port(), "127.0.0.1");
    callers.push(socket);
    socket.on("error", () => undefined).resume();
    socket.write(PREFACE);
    await until(() => open === 1, HANG_MS);
    const drained = prepareHttp2Drain(server, sessions, clock)({ patienceMs: NEVER_MS, idleMs: 3_000 });
    await untilWaiting(3_000);
    clock.pass(3_000);
    await drained;
    expect(await until(() => open === 0, HANG_MS)).to.equal(true);
  });
});
