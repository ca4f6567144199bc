import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { prepareHttpDrain } from "../../../server/http/drain.ts";
import { createInFlight, type InFlight } from "../../../server/http/in-flight.ts";
import { HANG_MS } from "../../support/patience.ts";

describe("requests in flight", () => {
  let server: Server;
  let inFlight: InFlight;
  let waiting: ServerResponse[];
  let seenAtHandling: number[];

  beforeEach(async () => {
    waiting = [];
    seenAtHandling = [];
    inFlight = createInFlight();
    server = createServer(
      inFlight.counting((request, response) => {
        seenAtHandling.push(inFlight.on(request.socket));
        waiting.push(response);
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  function ask(...paths: string[]): { socket: Socket; answers: () => number; ended: () => boolean } {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    let text = "";
    let closed = false;
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      closed = true;
    });
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(""));
    return { socket, answers: () => text.split("HTTP/1.1 200").length - 1, ended: () => closed };
  }

  it("are counted on each socket before the handler hears of them, until they are answered", async () => {
    const caller = ask("/1", "/2");
    await until(() => waiting.length === 2, HANG_MS);
    expect(seenAtHandling).to.deep.equal([1, 2]);
    const socket = waiting[0]?.req.socket as Socket;
    waiting[0]?.end("one");
    await until(() => caller.answers() === 1, HANG_MS);
    expect(inFlight.on(socket)).to.equal(1);
    waiting[1]?.end("two");
    expect(await until(() => inFlight.on(socket) === 0, HANG_MS)).to.equal(true);
  });

  it("draining answers all that a caller has pipelined, then closes", async () => {
    const caller = ask("/1", "/2");
    await until(() => waiting.length === 2, HANG_MS);
    waiting[0]?.end("one");
    await until(() => caller.answers() === 1, HANG_MS);
    const drained = prepareHttpDrain(server, inFlight, systemClock)({ patienceMs: 5_000, idleMs: 0 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(caller.ended()).to.equal(false);
    waiting[1]?.end("two");
    await drained;
    await until(caller.ended, HANG_MS);
    expect(caller.answers()).to.equal(2);
  });

  it("a request that its handler reads no further is counted until its answer, and no longer", async () => {
    const caller = ask("/1");
    await until(() => waiting.length === 1, HANG_MS);
    const request = waiting[0]?.req;
    const socket = request?.socket as Socket;
    // Node leaves a request like this when an iterator over it stops early: `request.socket` is null, while
    // the caller's connection remains.
    Object.assign(request ?? {}, { socket: null });
    waiting[0]?.end("one");
    await until(() => caller.answers() === 1, HANG_MS);
    expect(await until(() => inFlight.on(socket) === 0, HANG_MS)).to.equal(true);
  });

  it("a caller that goes away in the middle is not counted for ever", async () => {
    const caller = ask("/1");
    await until(() => waiting.length === 1, HANG_MS);
    const socket = waiting[0]?.req.socket as Socket;
    caller.socket.destroy();
    expect(await until(() => inFlight.on(socket) === 0, HANG_MS)).to.equal(true);
  });

  it("16 of a connection are served at once, the others in turn, and each is answered", async () => {
    const caller = ask(...Array.from({ length: 40 }, (_, i) => `/${i}`));
    expect(await until(() => waiting.length === 16, HANG_MS)).to.equal(true);
    const socket = waiting[0]?.req.socket as Socket;
    expect(inFlight.on(socket)).to.equal(40);
    for (let i = 0; i < 40; i++) {
      expect(await until(() => waiting.length > i, HANG_MS)).to.equal(true);
      expect(waiting[i]?.req.url).to.equal(`/${i}`);
      expect(waiting.length).to.be.at.most(16 + i);
      waiting[i]?.end("done");
    }
    expect(await until(() => caller.answers() === 40, HANG_MS)).to.equal(true);
    expect(await until(() => inFlight.on(socket) === 0, HANG_MS)).to.equal(true);
  });

  it("a connection on which more than 64 wait is ended", async () => {
    const caller = ask(...Array.from({ length: 80 }, (_, i) => `/${i}`));
    expect(await until(caller.ended, HANG_MS)).to.equal(true);
    expect(waiting.length).to.equal(16);
  });

  it("ends it without stack traces of its requests' errors, and leaves later ones theirs", async () => {
    const { stackTraceLimit } = Error;
    const stacks: (string | undefined)[] = [];
    server.on("request", (request) => request.on("error", ({ stack }) => stacks.push(stack)));
    expect(await until(ask(...Array.from({ length: 80 }, (_, i) => `/${i}`)).ended, HANG_MS)).to.equal(true);
    expect(await until(() => stacks.length > 0, HANG_MS)).to.equal(true);
    expect(new Set(stacks)).to.deep.equal(new Set(["Error: aborted"]));
    expect(Error.stackTraceLimit).to.equal(stackTraceLimit);
  });

  it("a caller that reads no answer has few of them made", async () => {
    const page = "x".repeat(1_000_000);
    let made = 0;
    server.removeAllListeners("request");
    server.on(
      "request",
      inFlight.counting((_, response) => {
        made += 1;
        response.end(page);
      }),
    );
    const { socket } = ask();
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(60));
    await until(() => made >= 16, HANG_MS);
    // The kernel takes some of the answers; 200 would be 200 MB.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(made).to.be.at.most(100);
    socket.destroy();
  });
});
