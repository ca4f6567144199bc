import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import type { ConnectionLimits } from "../../../server/http/connection-limits.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

describe("connections from one source", () => {
  let app: StubApp;
  let callers: Socket[];

  const open = async (connections: Partial<ConnectionLimits>) => {
    app = await openStubApp({
      connections: { most: 100, perSourceMax: 3, isProxy: () => false, ...connections },
    });
  };

  beforeEach(() => {
    callers = [];
  });
  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    await app.close();
  });

  async function call(port: number): Promise<Socket> {
    const caller = connect(port, "127.0.0.1");
    callers.push(caller);
    caller.on("error", () => undefined).resume();
    await once(caller, "connect");
    return caller;
  }

  const closed = (count: number) =>
    until(() => callers.filter((caller) => caller.closed).length >= count, HANG_MS);

  for (const port of ["port", "grpcPort"] as const) {
    it(`${port}: one more than the cap is closed, and one that ends makes room`, async () => {
      await open({});
      for (let i = 0; i < 4; i++) await call(app[port]);
      expect(await closed(1)).to.equal(true);
      expect(callers.map((caller) => caller.closed)).to.deep.equal([false, false, false, true]);
      expect((await app.cuts.get()).values[0]).to.include({ value: 1 });
      callers[0]?.destroy();
      expect(
        await until(async () => {
          const next = await call(app[port]);
          next.write("PRI");
          await new Promise((resolve) => setTimeout(resolve, 50));
          return !next.closed;
        }, HANG_MS),
      ).to.equal(true);
    });
  }

  it("a trusted proxy has no cap by source, and the cap for all holds for it, too", async () => {
    await open({ isProxy: (address) => address === "127.0.0.1", most: 5 });
    for (let i = 0; i < 6; i++) await call(app.port);
    expect(await closed(1)).to.equal(true);
    expect(callers.filter((caller) => caller.closed).length).to.equal(1);
  });
});
