import { expect } from "chai";
import { createServerClock } from "../../client/server-clock.ts";

const EPOCH_MS = 1_900_000_000_000;

describe("The server's clock, from its answers", () => {
  it("is that of the sample with the least error, as long as none contradicts it", () => {
    const clock = createServerClock();
    clock.add(0, 10, EPOCH_MS + 5);
    // A long way there and a short one back: wrong by 15 ms, within its error.
    clock.add(1_000, 1_040, EPOCH_MS + 1_035);
    expect(clock.at(2_000)?.serverMs).to.equal(EPOCH_MS + 2_000);
  });

  for (const setMs of [60_000, -60_000, 200])
    it(`follows a server whose clock is set by ${setMs} ms, also over a slower network`, () => {
      const clock = createServerClock();
      clock.add(0, 10, EPOCH_MS + 5);
      clock.add(1_000, 1_040, EPOCH_MS + setMs + 1_020);
      expect(clock.at(2_000)?.serverMs).to.equal(EPOCH_MS + setMs + 2_000);
      clock.add(3_000, 3_040, EPOCH_MS + setMs + 3_020);
      expect(clock.at(4_000)?.serverMs).to.equal(EPOCH_MS + setMs + 4_000);
    });

  it("takes the middle of the shortest round trip, wrong by half of it and by the drift since", () => {
    const clock = createServerClock();
    expect(clock.at(0)).to.equal(undefined);
    clock.add(0, 200, EPOCH_MS + 20);
    clock.add(300, 310, EPOCH_MS + 305);
    clock.add(400, 900, EPOCH_MS + 401);
    const { serverMs, uncertaintyMs } = clock.at(1_305) ?? {};
    expect(serverMs).to.equal(EPOCH_MS + 1_305);
    // Half of 10 ms, a millisecond for the grain, and 100 parts in a million of a second.
    expect(uncertaintyMs).to.be.closeTo(6.1, 0.001);
  });

  it("begins with a message of a stream, until an answer tells more", () => {
    const clock = createServerClock();
    clock.atLeast(1_000, EPOCH_MS);
    expect(clock.at(1_000)).to.deep.equal({ serverMs: EPOCH_MS, uncertaintyMs: 50 });
    clock.add(2_000, 2_020, EPOCH_MS + 1_040);
    expect(clock.at(3_000)?.serverMs).to.equal(EPOCH_MS + 2_030);
  });

  it("is set forward by a stream that is ahead of it, as after a sleep, and never back", () => {
    const clock = createServerClock();
    clock.add(0, 10, EPOCH_MS + 5);
    for (const [aheadMs, isTaken] of [
      [-60_000, false],
      [50, false],
      [51, true],
      [3_600_000, true],
    ] as const) {
      const before = clock.at(1_000)?.serverMs ?? 0;
      clock.atLeast(1_000, before + aheadMs);
      expect(clock.at(1_000)?.serverMs, `${aheadMs} ms`).to.equal(isTaken ? before + aheadMs : before);
    }
  });

  it("is not set by a stream within the error of a slow answer", () => {
    const clock = createServerClock();
    clock.add(0, 400, EPOCH_MS + 200);
    clock.atLeast(400, EPOCH_MS + 400 + 200);
    expect(clock.at(400)?.serverMs).to.equal(EPOCH_MS + 400);
    clock.atLeast(400, EPOCH_MS + 400 + 202);
    expect(clock.at(400)?.serverMs).to.equal(EPOCH_MS + 602);
  });
});
