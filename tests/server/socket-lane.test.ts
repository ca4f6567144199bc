import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect } from "chai";
import type { Issue } from "../../claims/issue.ts";
import { until } from "../../local/poll.ts";
import { systemClock } from "../../runtime/clock.ts";
import { prepareHttpDrain } from "../../server/http/drain.ts";
import { type InFlight, trackInFlight } from "../../server/http/in-flight.ts";
import { putSocketLane } from "../../server/http/socket-lane.ts";
import { createIssueAnswers } from "../../server/rpc/issue-answer.ts";
import { createTellTrouble } from "../../server/rpc/trouble.ts";
import { HANG_MS } from "../setup/patience.ts";
import { silentLogger } from "../setup/shared-stores.ts";

const PATIENCE_MS = 60;
const KEEP_ALIVE_MS = 5_000;

describe("the socket lane", () => {
  let server: Server;
  let inFlight: InFlight;
  let byServer: number;
  let draining: boolean;
  /** Claims that wait for their answer, and how each is given. */
  let waiting: { readonly userId: string; answer(): void }[];
  let callers: Socket[];

  const soldOut: Issue = { kind: "refused", refusal: { reason: "SOLD_OUT" } };

  beforeEach(async () => {
    byServer = 0;
    draining = false;
    waiting = [];
    callers = [];
    server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      byServer++;
      request.resume().on("end", () => response.end("by the server"));
    });
    inFlight = trackInFlight(server);
    const answers = createIssueAnswers({
      clock: systemClock,
      tellTrouble: createTellTrouble(silentLogger, systemClock),
      issueCoupon({ userId }) {
        if (!userId.startsWith("wait")) return soldOut;
        return new Promise((resolve) => waiting.push({ userId, answer: () => resolve(soldOut) }));
      },
    });
    const isLast = (socket: Socket) => draining && inFlight.on(socket) <= 1;
    const deps = { answers, inFlight, clock: systemClock, isLast, readMaxBytes: 16_384 };
    putSocketLane(server, { ...deps, patienceMs: PATIENCE_MS });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function call() {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    callers.push(socket);
    let text = "";
    let closed = false;
    socket.setNoDelay(true);
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.on("error", () => undefined);
    socket.on("end", () => {
      closed = true;
    });
    const told = () => text;
    const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
    return { socket, told, statuses, ended: () => closed };
  }

  function ask(userId: string): string {
    const body = JSON.stringify({ campaignId: "a", userId });
    return `POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  }
  const other = "GET /other HTTP/1.1\r\nhost: a\r\n\r\n";

  it("answers one request after the other without Node's server, and hands over the first that is another", async () => {
    const caller = call();
    for (let i = 1; i <= 3; i++) {
      caller.socket.write(ask("a"));
      await until(() => caller.statuses().length === i, HANG_MS);
    }
    expect(byServer).to.equal(0);
    caller.socket.write(other);
    await until(() => caller.statuses().length === 4, HANG_MS);
    caller.socket.write(ask("a"));
    await until(() => caller.statuses().length === 5, HANG_MS);
    expect(caller.statuses()).to.deep.equal([429, 429, 429, 200, 200]);
    expect(byServer).to.equal(2);
  });

  it("writes the head that Node's server writes", async () => {
    const [here, there] = [call(), call()];
    here.socket.write(ask("a"));
    there.socket.write(other);
    await until(() => here.statuses().length + there.statuses().length === 2, HANG_MS);
    const names = (caller: { told(): string }) => {
      const [head = ""] = caller.told().split("\r\n\r\n");
      const lines = [...head.matchAll(/^(Date|Connection|Keep-Alive): (.*)$/gm)];
      return lines.map(([, name, value]) => (name === "Date" ? name : `${name}: ${value}`));
    };
    expect(names(here)).to.deep.equal(names(there));
    expect(names(here)).to.have.length(3);
  });

  it("leaves a connection that says nothing, or half a request, to Node's server in time", async () => {
    const [silent, half] = [call(), call()];
    half.socket.write(ask("a").slice(0, 90));
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS * 3));
    silent.socket.write(ask("a"));
    half.socket.write(ask("a").slice(90));
    await until(() => silent.statuses().length + half.statuses().length === 2, HANG_MS);
    expect([...silent.statuses(), ...half.statuses()]).to.deep.equal([200, 200]);
    expect(byServer).to.equal(2);
  });

  it("is not held by a caller that sends a byte now and then", async () => {
    const caller = call();
    for (const byte of ask("a").slice(0, 40)) {
      caller.socket.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    caller.socket.write(ask("a").slice(40));
    await until(() => caller.statuses().length === 1, HANG_MS);
    expect(byServer).to.equal(1);
  });

  it("many in one packet are all answered, in order, the first of them here", async () => {
    const caller = call();
    caller.socket.write(Array.from({ length: 200 }, () => ask("a")).join(""));
    await until(() => caller.statuses().length === 200, HANG_MS);
    expect(caller.statuses()[0]).to.equal(429);
    expect(byServer).to.equal(199);
  });

  it("what comes behind a claim under way waits for its answer, however much it is", async () => {
    const caller = call();
    caller.socket.write(ask("wait"));
    await until(() => waiting.length === 1, HANG_MS);
    const many = 3_000;
    caller.socket.write(other.repeat(many));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([byServer, ...caller.statuses()]).to.deep.equal([0]);
    waiting[0]?.answer();
    await until(() => caller.statuses().length === many + 1, HANG_MS);
    expect(caller.statuses().slice(0, 2)).to.deep.equal([429, 200]);
    expect(byServer).to.equal(many);
  });

  it("half a request and then the end is refused as Node's server refuses it", async () => {
    const answers: string[] = [];
    for (const start of [ask("a").slice(0, 90), other.slice(0, 20)]) {
      const caller = call();
      caller.socket.end(start);
      await until(caller.ended, HANG_MS);
      answers.push(caller.told());
    }
    expect(answers[0]).to.match(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/);
    expect(answers[0]).to.equal(answers[1]);
  });

  it("a caller that goes away in the middle leaves nothing in flight", async () => {
    let seen: Socket | undefined;
    server.on("connection", (socket) => {
      seen = socket;
    });
    const caller = call();
    caller.socket.write(ask("wait"));
    await until(() => waiting.length === 1, HANG_MS);
    expect(seen && inFlight.on(seen)).to.equal(1);
    caller.socket.destroy();
    waiting[0]?.answer();
    expect(await until(() => seen !== undefined && inFlight.on(seen) === 0, HANG_MS)).to.equal(true);
  });

  it("draining answers what is under way, closes, and cuts those that wait for nothing", async () => {
    const drain = prepareHttpDrain(server, inFlight, systemClock);
    const [busy, idle] = [call(), call()];
    idle.socket.write(ask("a"));
    busy.socket.write(ask("wait"));
    await until(() => waiting.length === 1 && idle.statuses().length === 1, HANG_MS);
    draining = true;
    const drained = drain({ patienceMs: 5_000, idleMs: 0 });
    waiting[0]?.answer();
    await drained;
    await until(busy.ended, HANG_MS);
    expect(busy.told()).to.match(/\r\nConnection: close\r\n/);
    expect(busy.statuses()).to.deep.equal([429]);
  });

  it("after its last answer a connection is not read any more, and does not wait for its caller to close", async () => {
    const drain = prepareHttpDrain(server, inFlight, systemClock);
    const socket = connect({
      port: (server.address() as AddressInfo).port,
      host: "127.0.0.1",
      allowHalfOpen: true,
    });
    callers.push(socket);
    let text = "";
    socket
      .on("error", () => undefined)
      .on("data", (data) => {
        text += data.toString();
        // A caller that does not heed "close", and that keeps its half open.
        socket.write(ask("wait again"));
      });
    socket.write(ask("wait"));
    await until(() => waiting.length === 1, HANG_MS);
    draining = true;
    const drained = drain({ patienceMs: 60_000, idleMs: 0 });
    waiting[0]?.answer();
    await drained;
    await until(() => text.includes("Connection: close"), HANG_MS);
    expect(waiting.map(({ userId }) => userId)).to.deep.equal(["wait"]);
  });

  it("a kept connection that stays quiet is closed", async () => {
    server.keepAliveTimeout = 1;
    const caller = call();
    caller.socket.write(ask("a"));
    await until(() => caller.statuses().length === 1, HANG_MS);
    expect(await until(caller.ended, HANG_MS)).to.equal(true);
  });

  it("must be the first to listen to connections", () => {
    const deps = { answers: {} as never, inFlight, clock: systemClock, isLast: () => false, readMaxBytes: 1 };
    const taken = createServer();
    taken.on("connection", () => undefined);
    expect(() => putSocketLane(taken, deps)).to.throw("before anybody else");
  });
});
