import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { RetryInfoSchema } from "../../../proto/gen/google/rpc/error_details_pb.ts";
import { createTurns, everyTurns } from "../../../server/http/turns.ts";
import { createRefuseTurn } from "../../../server/rpc/refuse-turn.ts";
import { fakeClock } from "../../support/fake-clock.ts";

/** What `createTurns` reads of a request and of its answer. */
const request = (destroyed = false) => ({ destroyed }) as IncomingMessage;
const response = {} as ServerResponse;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("turns", () => {
  it("begin a few in each turn of the event loop, in order, and pass over those that have left", async () => {
    const begun: number[] = [];
    const turns = createTurns({ perTurn: 2, waitingMax: 100, refuse: () => undefined });
    for (let i = 0; i < 6; i++)
      turns.taking<IncomingMessage, ServerResponse>(() => void begun.push(i))(request(i === 1), response);
    expect(begun).to.deep.equal([]);
    await turn();
    expect(begun).to.deep.equal([0, 2]);
    await turn();
    expect(begun).to.deep.equal([0, 2, 3, 4]);
    await turn();
    expect(begun).to.deep.equal([0, 2, 3, 4, 5]);
    turns.taking<IncomingMessage, ServerResponse>(() => void begun.push(6))(request(), response);
    await turn();
    expect(begun.at(-1)).to.equal(6);
  });

  it("begin fewer while something else goes first", async () => {
    let begun = 0;
    let isBusy = true;
    const turns = createTurns({
      ...{ perTurn: () => (isBusy ? 1 : 3), waitingMax: 100, refuse: () => undefined },
    });
    const take = turns.taking<IncomingMessage, ServerResponse>(() => {
      begun += 1;
    });
    for (let i = 0; i < 6; i++) take(request(), response);
    await turn();
    expect(begun).to.equal(1);
    isBusy = false;
    await turn();
    expect(begun).to.equal(4);
  });

  it("begin one in so many turns where they are told so", async () => {
    let begun = 0;
    const turns = createTurns({ perTurn: everyTurns(3), waitingMax: 100, refuse: () => undefined });
    const take = turns.taking<IncomingMessage, ServerResponse>(() => {
      begun += 1;
    });
    for (let i = 0; i < 3; i++) take(request(), response);
    const after: number[] = [];
    for (let i = 0; i < 9; i++) {
      await turn();
      after.push(begun);
    }
    expect(after).to.deep.equal([0, 0, 1, 1, 1, 2, 2, 2, 3]);
  });

  it("refuse at once where too many wait, and take more once some have begun", async () => {
    let refused = 0;
    let begun = 0;
    const turns = createTurns({
      ...{ perTurn: 1, waitingMax: 3 },
      refuse: () => {
        refused += 1;
      },
    });
    const take = turns.taking<IncomingMessage, ServerResponse>(() => {
      begun += 1;
    });
    for (let i = 0; i < 5; i++) take(request(), response);
    expect(refused).to.equal(2);
    await turn();
    take(request(), response);
    expect([refused, begun]).to.deep.equal([2, 1]);
    for (let i = 0; i < 3; i++) await turn();
    expect(begun).to.equal(4);
  });

  it("a call waits for its turn among the requests; too many are told so, and of one that has left nobody hears", async () => {
    const begun: string[] = [];
    const turns = createTurns({ perTurn: 2, waitingMax: 4, refuse: () => undefined });
    turns.taking<IncomingMessage, ServerResponse>(() => void begun.push("request"))(request(), response);
    let hasLeft = false;
    const waits = ["a", "left", "b"].map((name) => turns.turn(() => name === "left" && hasLeft));
    for (const [at, wait] of waits.entries()) void wait?.then(() => begun.push(String(at)));
    expect(turns.turn(() => false)).to.equal(undefined);
    hasLeft = true;
    expect(begun).to.deep.equal([]);
    await turn();
    expect(begun).to.deep.equal(["request", "0"]);
    await turn();
    expect(begun).to.deep.equal(["request", "0", "2"]);
  });

  it("a refused request is told when to ask again, in each form", async () => {
    const refuse = createRefuseTurn(fakeClock());
    const server = createServer((_, answer) => refuse(answer));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const { code, details } = (await answer.json()) as {
        code: string;
        details: readonly { type: string; value: string }[];
      };
      expect([answer.status, answer.headers.get("retry-after"), code]).to.deep.equal([
        503,
        "1",
        "unavailable",
      ]);
      const retry = details.find(({ type }) => type === "google.rpc.RetryInfo")?.value ?? "";
      expect(fromBinary(RetryInfoSchema, Buffer.from(retry, "base64")).retryDelay?.seconds).to.equal(1n);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
