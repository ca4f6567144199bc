import { createServer, IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect } from "chai";
import { stopParsingEnded } from "../../../server/http/stop-parsing.ts";

/** Small enough that all of them come in one piece. */
const PIPELINED = 300;
const SERVED = 10;

describe("a connection that was ended", () => {
  let server: Server;
  let parsed: number;
  let served: number;

  class Counted extends IncomingMessage {
    constructor(...given: ConstructorParameters<typeof IncomingMessage>) {
      super(...given);
      parsed += 1;
    }
  }

  beforeEach(async () => {
    parsed = 0;
    served = 0;
    server = createServer({ IncomingMessage: Counted }, (request, response) => {
      served += 1;
      if (served === SERVED) request.socket.destroy();
      else response.end("x");
    });
    stopParsingEnded(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => new Promise<void>((resolve) => void server.close(() => resolve())));

  const send = (requests: number) =>
    new Promise<string>((resolve) => {
      const parts: Buffer[] = [];
      const caller = connect((server.address() as AddressInfo).port, "127.0.0.1");
      caller.on("error", () => undefined).on("close", () => resolve(Buffer.concat(parts).toString()));
      caller.on("data", (part) => parts.push(part));
      caller.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(requests - 1));
      caller.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    });

  it("is not parsed further", async () => {
    await send(PIPELINED);
    expect(served).to.equal(SERVED);
    expect(parsed).to.be.within(SERVED, SERVED + 1);
  });

  it("others are served whole, with what they pipeline", async () => {
    served = SERVED;
    const text = await send(PIPELINED);
    expect(text.split("HTTP/1.1 200 OK").length - 1).to.equal(PIPELINED);
    expect(parsed).to.equal(PIPELINED);
  });
});
