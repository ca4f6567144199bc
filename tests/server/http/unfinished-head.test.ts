import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { ISSUE_PATH } from "../../../server/rpc/issue-answer.ts";
import { HANG_MS } from "../../support/patience.ts";
import { stubApp } from "../../support/stub-app.ts";

/**
 * A head that a caller may send for as long as it likes: a regular expression of the product would search its
 * blanks again with every byte.
 */
const UNFINISHED = `POST ${ISSUE_PATH} HTTP/1.1\r\ncontent-type: application/json\r\nHost: x/${" ".repeat(7_900)}b`;

describe("a head that does not end", () => {
  const servers: Server[] = [];
  let asked = 0;
  let heads = 0;

  async function opened(server: Server): Promise<{ caller: Socket; there: Socket }> {
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const accepted = new Promise<Socket>((resolve) => void server.once("connection", resolve));
    const caller = connect((server.address() as AddressInfo).port, "127.0.0.1");
    caller.on("error", () => undefined);
    return { caller, there: await accepted };
  }

  function product(): Server {
    const { http } = stubApp({
      issueCoupon() {
        asked++;
        return { kind: "refused", refusal: { reason: "SOLD_OUT" } };
      },
    });
    http.on("request", () => {
      heads++;
    });
    return http;
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    }
  });

  /**
   * The number of listeners for each event. Code that gets bytes before Node's parser has made a request of
   * them must be among these.
   */
  const listeners = (of: {
    eventNames(): (string | symbol)[];
    listenerCount(name: string | symbol): number;
  }) => Object.fromEntries(of.eventNames().map((name) => [String(name), of.listenerCount(name)]));

  it("is looked at by nobody but Node's parser: a connection has the listeners that Node gives it", async () => {
    const [ours, bare] = [product(), createServer()];
    expect(ours.listenerCount("connection")).to.equal(bare.listenerCount("connection"));
    const [{ there: one, caller }, { there: other, caller: another }] = [
      await opened(ours),
      await opened(bare),
    ];
    const given = listeners(other);
    // One more waits for the end of the connection, which is counted.
    expect(listeners(one)).to.deep.equal({ ...given, close: (given["close"] ?? 0) + 1 });
    for (const socket of [caller, another]) socket.destroy();
  });

  it("costs nothing of ours, however slowly it comes; once it is whole it is looked at once", async () => {
    const { caller, there } = await opened(product());
    const pieces = [UNFINISHED.slice(0, 4_000), UNFINISHED.slice(4_000, -60), ...UNFINISHED.slice(-60)];
    let sent = 0;
    for (const piece of pieces) {
      caller.write(piece);
      sent += piece.length;
      await until(() => there.bytesRead === sent, HANG_MS);
    }
    expect([heads, asked]).to.deep.equal([0, 0]);
    let answer = "";
    caller.on("data", (data) => {
      answer += data.toString();
    });
    caller.write('\r\ncontent-length: 14\r\n\r\n{"userId":"a"}');
    await until(() => answer.includes("\r\n\r\n"), HANG_MS);
    expect(answer).to.match(/^HTTP\/1\.1 400 /);
    expect([heads, asked]).to.deep.equal([1, 1]);
    caller.destroy();
  });
});
