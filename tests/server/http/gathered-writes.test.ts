import { once } from "node:events";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { prepareHttpDrain } from "../../../server/http/drain.ts";
import { gatheredBytes, gatherWrites } from "../../../server/http/gathered-writes.ts";
import { createInFlight } from "../../../server/http/in-flight.ts";
import { HANG_MS } from "../../support/patience.ts";

/** More than the buffers of both ends of a connection on one machine hold. */
const BEYOND_BUFFERS = 32 * 1024 * 1024;
const PIECE = "0123456789abcdef".repeat(64);

describe("gathered writes", () => {
  let server: Server;
  let caller: Socket;
  let socket: Socket;
  /** How many pieces each system call sent. */
  let sends: number[];
  let received: Buffer[];
  let hasEnded: boolean;

  beforeEach(async () => {
    sends = [];
    received = [];
    hasEnded = false;
    server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    caller = connect((server.address() as AddressInfo).port, "127.0.0.1");
    [socket] = (await once(server, "connection")) as [Socket];
    const writev = socket._writev as NonNullable<Socket["_writev"]>;
    socket._writev = (chunks, callback) => {
      sends.push(chunks.length);
      writev.call(socket, chunks, callback);
    };
    for (const end of [caller, socket]) end.on("error", () => undefined);
    gatherWrites(socket);
  });
  afterEach(async () => {
    caller.destroy();
    socket.destroy();
    server.close();
    await once(server, "close");
  });

  function read(): void {
    caller.on("data", (piece) => received.push(piece));
    caller.on("end", () => {
      hasEnded = true;
    });
  }
  const text = () => Buffer.concat(received).toString();
  const write = (piece: string | Buffer): Promise<Error | null | undefined> =>
    new Promise((resolve) => socket.write(piece, resolve));

  it("count as written at once, and are sent by one call at the end of the turn, in order", async () => {
    read();
    await write("일");
    await write(Buffer.from("two "));
    await write("three");
    expect([sends, gatheredBytes(socket)]).to.deep.equal([[], 12]);
    expect(await until(() => text() === "일two three", HANG_MS)).to.equal(true);
    expect([sends, gatheredBytes(socket)]).to.deep.equal([[3], 0]);
    await write("later");
    await nextTurn();
    expect(await until(() => text() === "일two threelater", HANG_MS)).to.equal(true);
    expect(sends).to.deep.equal([3, 1]);
  });

  it("are bounded: a caller that reads nothing holds up what comes then, and gets all of it later", async () => {
    let written = 0;
    let length = 0;
    const count = () => {
      written += 1;
    };
    for (; length < BEYOND_BUFFERS; length += PIECE.length) socket.write(PIECE, count);
    const pieces = length / PIECE.length;
    // Nothing moves once the buffers of the connection are full.
    let before = -1;
    await until(
      async () => {
        const isStill = written === before;
        before = written;
        for (let turn = 0; turn < 10; turn++) await nextTurn();
        return isStill && gatheredBytes(socket) > 0;
      },
      HANG_MS,
      20,
    );
    expect(written).to.be.below(pieces);
    expect(socket.writableLength).to.be.above(0);
    read();
    expect(
      await until(() => written === pieces && received.reduce((n, p) => n + p.length, 0) === length, HANG_MS),
    ).to.equal(true);
    expect(text() === PIECE.repeat(pieces)).to.equal(true);
    expect(gatheredBytes(socket)).to.equal(0);
  });

  it("that come while others are being sent follow them, also the last", async () => {
    let length = 0;
    for (; gatheredBytes(socket) === 0 && length < BEYOND_BUFFERS; length += PIECE.length) {
      await write(PIECE);
      await nextTurn();
      await nextTurn();
    }
    expect(gatheredBytes(socket)).to.equal(PIECE.length);
    const written = write("last");
    expect(socket.writableLength).to.equal(4);
    read();
    await written;
    expect(await until(() => text().endsWith("last"), HANG_MS, 50)).to.equal(true);
    expect(Buffer.concat(received).length).to.equal(length + 4);
  });

  it("are all sent before the end of the stream", async () => {
    read();
    await write("last");
    socket.end(" words");
    expect(await until(() => hasEnded, HANG_MS)).to.equal(true);
    expect(text()).to.equal("last words");
  });

  it("are sent before their connection is destroyed in the same turn", async () => {
    read();
    await write("goodbye");
    socket.destroy();
    expect(await until(() => hasEnded, HANG_MS)).to.equal(true);
    expect(text()).to.equal("goodbye");
  });

  it("end a long stream only when the caller has taken all of it", async () => {
    socket.write(Buffer.alloc(BEYOND_BUFFERS));
    socket.end("end");
    read();
    expect(await until(() => hasEnded, HANG_MS)).to.equal(true);
    expect(Buffer.concat(received).length).to.equal(BEYOND_BUFFERS + 3);
  });

  it("of a connection that is reset fail, and close it", async () => {
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const wrote = new Promise<unknown>((resolve) => {
      for (let length = 0; length < BEYOND_BUFFERS; length += PIECE.length) socket.write(PIECE, resolve);
      socket.write("the last one", resolve);
    });
    const failed = new Promise<unknown>((resolve) => socket.write("behind it", resolve));
    caller.resetAndDestroy();
    await closed;
    expect(await failed).to.be.instanceOf(Error);
    await wrote;
    expect(gatheredBytes(socket) === 0 || socket.destroyed).to.equal(true);
  });

  it("of a draining server reach a caller whose requests are all answered", async () => {
    const responses: ServerResponse[] = [];
    const inFlight = createInFlight();
    const http = createHttpServer(
      inFlight.counting((request, response) => {
        gatherWrites(request.socket);
        responses.push(response);
      }),
    );
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const drain = prepareHttpDrain(http, inFlight, systemClock);
    const asking = connect((http.address() as AddressInfo).port, "127.0.0.1");
    let answers = "";
    asking.on("data", (piece) => {
      answers += piece;
    });
    const left = once(asking, "close");
    asking.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2));
    await until(() => responses.length === 2, HANG_MS);
    const drained = drain({ patienceMs: HANG_MS, idleMs: 0 });
    for (const response of responses) response.end("here");
    await drained;
    await left;
    expect(answers.match(/here/g)).to.have.length(2);
  });
});
