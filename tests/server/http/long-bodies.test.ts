import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

/** Not on the fast path, because of its query. */
const HEAD = "POST /coupon.v1.CouponService/IssueCoupon? HTTP/1.1\r\nhost: localhost\r\n";

describe("a body that is too long", () => {
  let app: StubApp;
  let socket: Socket;
  let heard: string;

  before(async () => {
    app = await openStubApp();
  });
  after(() => app.close());

  beforeEach(async () => {
    heard = "";
    socket = connect(app.port, "127.0.0.1");
    socket.on("data", (bytes) => {
      heard += bytes.toString("latin1");
    });
    await once(socket, "connect");
  });
  afterEach(() => socket.destroy());

  async function untilHeard(words: string): Promise<void> {
    while (!heard.includes(words) && !socket.destroyed)
      await Promise.race([once(socket, "data"), once(socket, "close")]);
    expect(heard).to.include(words);
  }

  const LENGTH = 300_000;
  const body = " ".repeat(LENGTH);
  for (const [what, field, sent] of [
    ["whose length is told", `content-length: ${LENGTH}`, body],
    // The handler reads of it until it has too much.
    [
      "whose length is not told",
      "transfer-encoding: chunked",
      `${LENGTH.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
  ] as const) {
    it(`${what}, is refused, and the next request of the connection is answered`, async () => {
      socket.write(`${HEAD}content-type: application/json\r\n${field}\r\n\r\n${sent}`);
      await untilHeard("REQUEST_TOO_LARGE");
      socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
      await untilHeard('{"status":"ok"}');
    });
  }
});
