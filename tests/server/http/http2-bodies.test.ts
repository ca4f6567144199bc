import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { onceBodyBegins } from "../../../server/http/http2-bodies.ts";
import { createTurns } from "../../../server/http/turns.ts";
import { HANG_MS } from "../../support/patience.ts";

describe("the bodies of calls over HTTP/2", () => {
  let server: Http2Server;
  let client: ClientHttp2Session;
  let came: number;
  let left: number;
  let begun: Http2ServerRequest[];

  beforeEach(async () => {
    [came, left, begun] = [0, 0, []];
    const turns = createTurns({ perTurn: 4, waitingMax: 100, refuse: () => undefined });
    const listener = onceBodyBegins(
      turns.taking((request: Http2ServerRequest, response: Http2ServerResponse) => {
        begun.push(request);
        void text(request).then((body) => response.end(`got ${body}`));
      }),
    );
    server = createServer((request, response) => {
      came += 1;
      request.once("close", () => {
        left += 1;
      });
      listener(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterEach(async () => {
    client.destroy();
    server.close();
    await once(server, "close");
  });

  const call = (endStream = false): ClientHttp2Stream => {
    const stream = client.request({ ":method": "POST", ":path": "/" }, { endStream });
    return stream.on("error", () => undefined);
  };
  const allCame = (count: number) => until(() => came === count, HANG_MS);

  it("a call is begun once its body has begun, and gets all of it", async () => {
    const one = call();
    await allCame(1);
    const other = call();
    other.end("other");
    expect(await text(other)).to.equal("got other");
    expect(begun).to.have.length(1);
    one.write("a");
    expect(await until(() => begun.length === 2, HANG_MS)).to.equal(true);
    one.end("b".repeat(100_000));
    expect(await text(one)).to.equal(`got a${"b".repeat(100_000)}`);
  });

  it("a call without a body is begun, whether its head ends it or an empty frame", async () => {
    expect(await text(call(true))).to.equal("got ");
    const one = call();
    await allCame(2);
    one.end();
    expect(await text(one)).to.equal("got ");
  });

  it("a call whose caller leaves before that is never begun", async () => {
    const [one, other] = [call(), call()];
    await allCame(2);
    // `close` would end the body first.
    one.destroy();
    other.destroy(new Error("it leaves"));
    expect(await until(() => left === 2, HANG_MS)).to.equal(true);
    // Whatever they left behind has come by then.
    await text(call(true));
    expect(begun).to.have.length(1);
  });
});
