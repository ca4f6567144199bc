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
});
