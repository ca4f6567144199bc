import type { IncomingMessage, ServerResponse } from "node:http";
import { Server } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import { createNewConnections } from "../../../server/http/new-connections.ts";
import { createTurns } from "../../../server/http/turns.ts";

describe("new connections before requests that can wait", () => {
  it("requests wait while connections come, and go on when none came", async () => {
    const server = new Server();
    const connecting = createNewConnections();
    connecting.watch(server);
    const begun: number[] = [];
    const { taking } = createTurns({
      ...{ perTurn: 1, waitingMax: 10, refuse: () => undefined },
      awaits: connecting.awaiting(),
    });
    const request = { destroyed: false } as IncomingMessage;
    taking(() => void begun.push(1))(request, {} as ServerResponse);
    for (let i = 0; i < 5; i++) {
      server.emit("connection", {});
      await nextTurn();
    }
    expect(begun).to.deep.equal([]);
    await nextTurn();
    expect(begun).to.deep.equal([1]);
  });

  it("a flood of connections takes twenty turns of twenty-one from them, or as many as told, each for itself", () => {
    const server = new Server();
    const connecting = createNewConnections();
    connecting.watch(server);
    const [one, other] = [connecting.awaiting(), connecting.awaiting(41)];
    const waits = { one: 0, other: 0 };
    for (let turn = 0; turn < 210; turn++) {
      server.emit("connection", {});
      if (one()) waits.one += 1;
      if (other()) waits.other += 1;
    }
    expect(waits).to.deep.equal({ one: 200, other: 205 });
    expect([one(), other()]).to.deep.equal([false, false]);
  });
});
